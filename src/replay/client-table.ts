/**
 * The clients of one class: what they did and what would have become of it. A client is what its class
 * counts: an address, a network, or another value. Each has a row, a number from 0 on.
 *
 * Guarantee: memory grows with the number of clients and blocked clients, not with that of connections.
 */
import type { Block } from '../core/block.ts';
import { type Value, valueText } from '../core/value.ts';
import { ValueMap } from '../counters/value-map.ts';
import { withRoomFor } from './column.ts';

/** The blocks of one client. Instants are wall milliseconds of the log. */
export type BlockedClient = {
  readonly blocks: number;
  /** How long it was blocked in all, as if each block lasted to its end. */
  readonly seconds: number;
  readonly firstMs: number;
  readonly last: Block;
};

const smallest = 1024;

export class ClientTable {
  readonly #rows = new ValueMap();
  #size = 0;
  /** By row, as all of these: connections, and those of them that were refused. */
  connections = new Uint32Array(smallest);
  refused = new Uint32Array(smallest);
  /** The fullest window of the client: hits in it, and which rate of its limit that was. */
  peakCounts = new Uint32Array(smallest);
  peakRates = new Uint8Array(smallest);
  readonly blocked = new Map<number, BlockedClient>();

  get size(): number {
    return this.#size;
  }

  /** The row of the client, a new one if need be. */
  rowOf(value: Value): number {
    const known = this.#rows.get(value);
    if (known !== undefined) return known;
    const row = this.#size;
    this.#rows.set(value, row);
    this.#size += 1;
    this.#makeRoom(row);
    return row;
  }

  /** The text of every client, and its row. */
  *clients(): Generator<[string, number]> {
    for (const [value, row] of this.#rows.entries()) yield [valueText(value), row];
  }

  addBlock(row: number, block: Block): void {
    const before = this.blocked.get(row);
    const seconds = (block.untilMs - block.sinceMs) / 1000;
    this.blocked.set(row, {
      blocks: (before?.blocks ?? 0) + 1,
      seconds: (before?.seconds ?? 0) + seconds,
      firstMs: before?.firstMs ?? block.sinceMs,
      last: block,
    });
  }

  #makeRoom(row: number): void {
    this.connections = withRoomFor(this.connections, row);
    this.refused = withRoomFor(this.refused, row);
    this.peakCounts = withRoomFor(this.peakCounts, row);
    this.peakRates = withRoomFor(this.peakRates, row);
  }
}
