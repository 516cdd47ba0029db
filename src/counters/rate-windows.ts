/**
 * The windows of one class for one of its rates, by value.
 */

import { Highest } from '../core/highest.ts';
import type { Rate } from '../core/limits.ts';
import { type Value, valueText } from '../core/value.ts';
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
import { ValueMap } from './value-map.ts';

export class RateWindows {
  readonly #cells: CellStore;
  readonly #handles = new ValueMap();

  constructor(cells: CellStore) {
    this.#cells = cells;
  }

  get size(): number {
    return this.#handles.size;
  }

  /** The value's window, until it gets another; undefined when it has none. */
  find(value: Value): Window | undefined {
    const handle = this.#handles.get(value);
    return handle === undefined ? undefined : this.#cells.window(handle);
  }

  hit(value: Value, rate: Rate, nowMs: number): number {
    const window = this.find(value);
    return this.add(value, window, window ? countHits(window, rate, nowMs) : 0, rate, nowMs);
  }

  count(value: Value, rate: Rate, nowMs: number): number {
    const window = this.find(value);
    return window ? countHits(window, rate, nowMs) : 0;
  }

  /** A hit of a value that has this window, as `find` says, with `count` hits now. */
  add(value: Value, window: Window | undefined, count: number, rate: Rate, nowMs: number): number {
    return addHit(this.#withRoom(value, window, count, rate), rate, nowMs, count);
  }

  clear(value: Value): void {
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
    for (const [value] of this.#handles.entries()) yield valueText(value);
  }

  /** The values that are hit most, in this order; looks at some in a step. */
  *busiest(query: BusyQuery, nowMs: () => number): Generator<undefined, string[]> {
    const { by, max, filter, spanMs } = query;
    const rankOf = by === 'rate' ? rankByRate : rankByCount;
    const highest = new Highest<Value>(max);
    let stepMs = nowMs();
    const visiting = this.#handles.visiting((value, handle) => {
      if (filter !== '' && !valueText(value).toLowerCase().includes(filter)) return;
      const rank = rankOf(this.#cells.window(handle), spanMs, stepMs, highest.floor);
      if (rank > 0) highest.offer(rank, value);
    });
    for (const _ of visiting) {
      yield;
      stepMs = nowMs();
    }
    return highest.items().map(valueText);
  }

  recent(value: string, spansMs: readonly number[], nowMs: number): Recent | undefined {
    const window = this.find(value);
    if (!window) return undefined;
    const within = spansMs.map((spanMs) => hitsWithin(window, spanMs, nowMs));
    return { within, reachMs: reachMs(window, nowMs) };
  }

  /** Milliseconds since the value's latest hit; infinite when it has no hits. */
  idleMs(value: string, nowMs: number): number {
    const window = this.find(value);
    return window ? idleMs(window, nowMs) : Number.POSITIVE_INFINITY;
  }

  #withRoom(value: Value, window: Window | undefined, count: number, rate: Rate): Window {
    if (!window) return this.#newWindow(value, cellsFor(1));
    if (!needsRoom(window, rate, count)) return window;
    const handle = this.#handles.get(value) as number;
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
