/**
 * A map for millions of entries. It is many small tables, because one large table copies all its
 * entries whenever it outgrows its space, which would stall every client.
 */

/** Holds the entries of one shard: a Map, or something like it. */
export type Table<K> = {
  readonly size: number;
  get(key: K): number | undefined;
  set(key: K, number: number): unknown;
  /** Says whether there was such an entry. */
  delete(key: K): boolean;
  keys(): Iterable<K>;
  forEach(visit: (number: number, key: K) => void): void;
};

export const shards = 256;

export class ShardedMap<K> {
  readonly #shards: readonly Table<K>[];
  readonly #shardOf: (key: K) => number;
  #size = 0;

  /** `shardOf` gives a number below `shards`. */
  constructor(make: () => Table<K>, shardOf: (key: K) => number) {
    this.#shards = Array.from({ length: shards }, make);
    this.#shardOf = shardOf;
  }

  get size(): number {
    return this.#size;
  }

  get(key: K): number | undefined {
    return this.#shard(key).get(key);
  }

  set(key: K, number: number): void {
    const shard = this.#shard(key);
    const before = shard.size;
    shard.set(key, number);
    this.#size += shard.size - before;
  }

  delete(key: K): void {
    if (this.#shard(key).delete(key)) this.#size -= 1;
  }

  /** Every entry; changes are allowed meanwhile, new entries may be left out. */
  *entries(): Generator<[K, number]> {
    for (const shard of this.#shards) {
      for (const key of shard.keys()) {
        const number = shard.get(key);
        if (number !== undefined) yield [key, number];
      }
    }
  }

  /** Visits every entry, a shard in a step; changes are allowed between steps, not by `visit`. */
  *visiting(visit: (number: number, key: K) => void): Generator<undefined, void> {
    for (const shard of this.#shards) {
      shard.forEach(visit);
      yield;
    }
  }

  #shard(key: K): Table<K> {
    return this.#shards[this.#shardOf(key)] as Table<K>;
  }
}
