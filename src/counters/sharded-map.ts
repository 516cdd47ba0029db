/**
 * A map by text for millions of entries. It is many small maps, because one large map copies all
 * its entries whenever it outgrows its table, and everybody would wait for that.
 */

const shards = 256;
const fnvPrime = 0x01000193;
const fnvBasis = 0x811c9dc5;
/** Characters that decide the shard; addresses are shorter. */
const hashedCharacters = 48;

function shardOf(text: string): number {
  let hash = fnvBasis;
  const end = Math.min(text.length, hashedCharacters);
  for (let index = 0; index < end; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), fnvPrime);
  }
  return (hash ^ (hash >>> 16)) & (shards - 1);
}

export class ShardedMap<V> {
  readonly #shards = Array.from({ length: shards }, () => new Map<string, V>());
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(text: string): V | undefined {
    return this.#shard(text).get(text);
  }

  set(text: string, value: V): void {
    const shard = this.#shard(text);
    const before = shard.size;
    shard.set(text, value);
    this.#size += shard.size - before;
  }

  delete(text: string): void {
    if (this.#shard(text).delete(text)) this.#size -= 1;
  }

  /** Every entry; deleting the one at hand is allowed. */
  *entries(): Generator<[string, V]> {
    for (const shard of this.#shards) yield* shard;
  }

  #shard(text: string): Map<string, V> {
    return this.#shards[shardOf(text)] as Map<string, V>;
  }
}
