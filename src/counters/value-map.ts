/**
 * A map from values, which are texts, to numbers from 0 to 2^32 - 2. Most values are IPv4 addresses,
 * kept as their bits: with a million of them that halves the memory and the time of a check.
 */
import { shortestValue, type Value } from '../core/value.ts';
import { Ipv4Table, ipv4Hash } from './ipv4-table.ts';
import { ShardedMap, shards } from './sharded-map.ts';

const fnvPrime = 0x01000193;
const fnvBasis = 0x811c9dc5;
/** How many characters decide the shard. */
const hashedCharacters = 48;

function shardOfText(text: string): number {
  let hash = fnvBasis;
  const end = Math.min(text.length, hashedCharacters);
  for (let index = 0; index < end; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), fnvPrime);
  }
  return (hash ^ (hash >>> 16)) & (shards - 1);
}

/** By those bits of the hash that the table itself does not use. */
function shardOfIPv4(bits: number): number {
  return ipv4Hash(bits) >>> 24;
}

export class ValueMap {
  readonly #ipv4 = new ShardedMap<number>(() => new Ipv4Table(), shardOfIPv4);
  readonly #others = new ShardedMap<string>(() => new Map(), shardOfText);

  get size(): number {
    return this.#ipv4.size + this.#others.size;
  }

  get(value: Value): number | undefined {
    const known = shortestValue(value);
    return typeof known === 'number' ? this.#ipv4.get(known) : this.#others.get(known);
  }

  set(value: Value, number: number): void {
    const known = shortestValue(value);
    if (typeof known === 'number') this.#ipv4.set(known, number);
    else this.#others.set(known, number);
  }

  delete(value: Value): void {
    const known = shortestValue(value);
    if (typeof known === 'number') this.#ipv4.delete(known);
    else this.#others.delete(known);
  }

  /** Visits every entry, some in a step; changes are allowed between steps, not by `visit`. */
  *visiting(visit: (value: Value, number: number) => void): Generator<undefined, void> {
    const swapped = (number: number, value: Value) => visit(value, number);
    yield* this.#ipv4.visiting(swapped);
    yield* this.#others.visiting(swapped);
  }

  /** Every entry; changes are allowed meanwhile, new entries may be left out. */
  *entries(): Generator<[Value, number]> {
    yield* this.#ipv4.entries();
    yield* this.#others.entries();
  }
}
