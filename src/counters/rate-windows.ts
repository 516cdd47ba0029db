/**
 * The windows of one class for one of its rates, by value.
 */

import { ipv4Text } from '../core/address.ts';
import { Highest } from '../core/highest.ts';
import type { Rate } from '../core/limits.ts';
import {
  addHit,
  cellsFor,
  copyHits,
  countHits,
  hitsWithin,
  idleMs,
  isIdle,
  needsRoom,
  rankByCount,
  rankByRate,
  reachMs,
  slotsOf,
  type Window,
} from '../core/window.ts';
import type { CellStore } from './cell-store.ts';
import type { BusyQuery, Recent } from './counters.ts';
import { type Value, ValueMap } from './value-map.ts';

function textOf(value: Value): string {
  return typeof value === 'number' ? ipv4Text(value) : value;
}

export class RateWindows {
  readonly #cells: CellStore;
  readonly #handles = new ValueMap();

  constructor(cells: CellStore) {
    this.#cells = cells;
  }

  get size(): number {
    return this.#handles.size;
  }

  hit(value: Value, rate: Rate, nowMs: number): number {
    return addHit(this.#windowWithRoom(value, rate, nowMs), rate, nowMs);
  }

  count(value: Value, rate: Rate, nowMs: number): number {
    const handle = this.#handles.get(value);
    return handle === undefined ? 0 : countHits(this.#cells.window(handle), rate, nowMs);
  }

  clear(value: string): void {
    const handle = this.#handles.get(value);
    if (handle === undefined) return;
    this.#cells.release(handle);
    this.#handles.delete(value);
  }

  /** Forgets idle values, looking at one value a step. */
  *dropIdle(nowMs: () => number): Generator<void> {
    for (const [value, handle] of this.#handles.entries()) {
      if (isIdle(this.#cells.window(handle), nowMs())) this.clear(value);
      yield;
    }
  }

  /** Every value; the current one may be forgotten meanwhile. */
  *values(): Generator<string> {
    for (const [value] of this.#handles.entries()) yield value;
  }

  /** The values that are hit most, in this order; looks at some in a step. */
  *busiest(query: BusyQuery, nowMs: () => number): Generator<undefined, string[]> {
    const { by, max, filter, spanMs } = query;
    const rankOf = by === 'rate' ? rankByRate : rankByCount;
    const highest = new Highest<Value>(max);
    let stepMs = nowMs();
    const visiting = this.#handles.visiting((value, handle) => {
      if (filter !== '' && !textOf(value).toLowerCase().includes(filter)) return;
      const rank = rankOf(this.#cells.window(handle), spanMs, stepMs);
      if (rank > 0) highest.offer(rank, value);
    });
    for (const _ of visiting) {
      yield;
      stepMs = nowMs();
    }
    return highest.items().map(textOf);
  }

  recent(value: string, spansMs: readonly number[], nowMs: number): Recent | undefined {
    const handle = this.#handles.get(value);
    if (handle === undefined) return undefined;
    const window = this.#cells.window(handle);
    const within = spansMs.map((spanMs) => hitsWithin(window, spanMs, nowMs));
    return { within, reachMs: reachMs(window, nowMs) };
  }

  /** Milliseconds since the value's latest hit; infinite when it has no hits. */
  idleMs(value: string, nowMs: number): number {
    const handle = this.#handles.get(value);
    if (handle === undefined) return Number.POSITIVE_INFINITY;
    return idleMs(this.#cells.window(handle), nowMs);
  }

  #windowWithRoom(value: Value, rate: Rate, nowMs: number): Window {
    const handle = this.#handles.get(value);
    if (handle === undefined) return this.#newWindow(value, cellsFor(1));
    const window = this.#cells.window(handle);
    if (!needsRoom(window, rate, nowMs)) return window;
    const larger = this.#newWindow(value, cellsFor(slotsOf(window) + 1));
    copyHits(window, larger);
    this.#cells.release(handle);
    return larger;
  }

  #newWindow(value: Value, cells: number): Window {
    const handle = this.#cells.allocate(cells);
    this.#handles.set(value, handle);
    return this.#cells.window(handle);
  }
}
