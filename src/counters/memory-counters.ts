/**
 * Counters in this process's memory. After a restart counting starts anew, but blocks are in the
 * store.
 *
 * Guarantee: at most `maxValues` values are tracked, each counted once for each of its windows. One
 * more and another is forgotten: of the next eight around the clock, the one whose latest hit is the
 * oldest. The counts of all others stay exact.
 */
import { ipv4Text } from '../core/address.ts';
import { isExceeded } from '../core/judge.ts';
import type { Rate } from '../core/limits.ts';
import { countHits } from '../core/window.ts';
import type { Work } from '../runtime/work.ts';
import { CellStore } from './cell-store.ts';
import type { BusyQuery, CounterKey, Counters, Counts, Ipv4Hits, Recent } from './counters.ts';
import { RateWindows } from './rate-windows.ts';

/** Monotonic milliseconds as windows keep them. */
function instant(nowMs: number): number {
  return nowMs >>> 0;
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

/** How many values are compared to forget one. */
const sample = 8;

/** A value in one of its windows. */
type Tracked = CounterKey & { readonly windows: RateWindows };

export class MemoryCounters implements Counters {
  readonly #maxValues: number;
  readonly #onForget: (key: CounterKey) => void;
  readonly #cells = new CellStore();
  /** By class and seconds of a rate, so that a reload keeps the hits of rates that stay. */
  readonly #classes = new Map<string, Map<number, RateWindows>>();
  #hand: Iterator<Tracked, undefined> | undefined;

  /** `onForget` is called for each value that is forgotten for want of room. */
  constructor(
    maxValues = Number.POSITIVE_INFINITY,
    onForget: (key: CounterKey) => void = () => {},
  ) {
    this.#maxValues = maxValues;
    this.#onForget = onForget;
  }

  get size(): number {
    let size = 0;
    // A value stays longest in its longest window.
    for (const windows of this.#classes.values()) {
      size += Math.max(0, ...Array.from(windows.values(), (each) => each.size));
    }
    return size;
  }

  hit(key: CounterKey, rates: readonly Rate[], nowMs: number): Counts {
    const value = key.ipv4 ?? key.value;
    const counts = rates.map((rate) => {
      return this.#windows(key.class, rate).hit(value, rate, instant(nowMs));
    });
    if (this.#isFull()) this.#makeRoom(key, instant(nowMs));
    return counts;
  }

  ofIPv4(name: string, rates: readonly Rate[]): Ipv4Hits {
    const parts = rates.map((rate) => {
      // Once they are there, the windows of a class and rate stay, and so may be held.
      const windows = this.#windows(name, rate);
      return { rate, windows, window: windows.find(0), count: 0 };
    });
    const hitWithin = (bits: number, nowMs: number) => {
      const now = instant(nowMs);
      for (const part of parts) {
        part.window = part.windows.find(bits);
        part.count = part.window ? countHits(part.window, part.rate, now) : 0;
        if (isExceeded(part.rate, part.count + 1)) return undefined;
      }
      for (let index = 0; index < parts.length; index += 1) {
        const { rate, windows, window, count } = parts[index] as (typeof parts)[0];
        counts[index] = windows.add(bits, window, count, rate, now);
      }
      if (this.#isFull()) this.#makeRoom({ class: name, value: ipv4Text(bits) }, now);
      return counts;
    };
    const counts = rates.map(() => 0);
    return { hitWithin };
  }

  count(key: CounterKey, rates: readonly Rate[], nowMs: number): Counts {
    const windows = this.#classes.get(key.class);
    return rates.map((rate) => {
      return windows?.get(rate.seconds)?.count(key.value, rate, instant(nowMs)) ?? 0;
    });
  }

  *busiest(query: BusyQuery, nowMs: () => number): Work<CounterKey[]> {
    const found = new Map<string, CounterKey>();
    for (const [name, classWindows] of this.#classes) {
      if (query.class !== undefined && query.class !== name) continue;
      for (const windows of classWindows.values()) {
        const values = yield* windows.busiest(query, () => instant(nowMs()));
        for (const value of values) found.set(`${name} ${value}`, { class: name, value });
      }
    }
    return [...found.values()];
  }

  recent(
    key: CounterKey,
    seconds: number,
    spansMs: readonly number[],
    nowMs: number,
  ): Recent | undefined {
    const windows = this.#classes.get(key.class)?.get(seconds);
    return windows?.recent(key.value, spansMs, instant(nowMs));
  }

  clear(key: CounterKey): void {
    for (const windows of this.#classes.get(key.class)?.values() ?? []) {
      windows.clear(key.value);
    }
  }

  *sweeping(nowMs: () => number, atOnce: number): Work<void> {
    let [stepMs, looked] = [instant(nowMs()), 0];
    for (const windows of [...this.#classes.values()].flatMap((each) => [...each.values()])) {
      for (const _ of windows.dropIdle(() => stepMs)) {
        looked += 1;
        if (looked % atOnce !== 0) continue;
        yield;
        stepMs = instant(nowMs());
      }
    }
  }

  #windows(name: string, { seconds }: Rate): RateWindows {
    const windows = getOrAdd(this.#classes, name, () => new Map<number, RateWindows>());
    return getOrAdd(windows, seconds, () => new RateWindows(this.#cells));
  }

  /** No getter: V8 calls a private one by way of its runtime. */
  #isFull(): boolean {
    return this.#cells.runs > this.#maxValues;
  }

  /** Forgets other values than `kept` until there are no more than there may be. */
  #makeRoom(kept: CounterKey, nowMs: number): void {
    while (this.#isFull() && this.#forgetOldest(kept, nowMs));
  }

  /** Forgets another value than `kept`; says whether there was one. */
  #forgetOldest(kept: CounterKey, nowMs: number): boolean {
    let oldest: Tracked | undefined;
    let oldestMs = -1;
    for (let looked = 0; looked < sample; looked += 1) {
      const tracked = this.#next();
      if (!tracked) break;
      if (tracked.value === kept.value && tracked.class === kept.class) continue;
      const idleMs = tracked.windows.idleMs(tracked.value, nowMs);
      if (idleMs > oldestMs) [oldest, oldestMs] = [tracked, idleMs];
    }
    if (!oldest) return false;
    this.clear(oldest);
    this.#onForget(oldest);
    return true;
  }

  /** The next value around the clock; undefined when nothing is tracked. */
  #next(): Tracked | undefined {
    const next = this.#hand?.next();
    if (next && !next.done) return next.value;
    this.#hand = this.#tracked();
    return this.#hand.next().value;
  }

  *#tracked(): Generator<Tracked, undefined> {
    for (const [name, classWindows] of this.#classes) {
      for (const windows of classWindows.values()) {
        for (const value of windows.values()) yield { class: name, value, windows };
      }
    }
  }
}
