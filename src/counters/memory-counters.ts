/**
 * Counters in this process's memory. They end with it: after a restart counting starts anew, but
 * blocks are in the store.
 */
import type { Rate } from '../core/limits.ts';
import { Window } from '../core/window.ts';
import type { Counters, Counts, Subject } from './counters.ts';

/** `windows[i]` belongs to `rates[i]`. */
type Tracked = { rates: readonly Rate[]; windows: Window[] };

function isIdle(tracked: Tracked, nowMs: number): boolean {
  return tracked.rates.every((rate, index) => tracked.windows[index]?.count(rate, nowMs) === 0);
}

/** Fits windows to rates that a reload changed; marks of the rates that stay are kept. */
function refit(tracked: Tracked, rates: readonly Rate[]): void {
  tracked.windows = rates.map((_, index) => tracked.windows[index] ?? new Window());
  tracked.rates = rates;
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

export class MemoryCounters implements Counters {
  readonly #classes = new Map<string, Map<string, Tracked>>();
  #walk: Iterator<void> | undefined;

  get size(): number {
    let size = 0;
    for (const values of this.#classes.values()) size += values.size;
    return size;
  }

  mark(subject: Subject, rates: readonly Rate[], nowMs: number): Counts {
    const { windows } = this.#track(subject, rates);
    return rates.map((rate, index) => (windows[index] as Window).mark(rate, nowMs));
  }

  count(subject: Subject, rates: readonly Rate[], nowMs: number): Counts {
    const windows = this.#classes.get(subject.class)?.get(subject.value)?.windows;
    return rates.map((rate, index) => windows?.[index]?.count(rate, nowMs) ?? 0);
  }

  clear(subject: Subject): void {
    this.#classes.get(subject.class)?.delete(subject.value);
  }

  sweep(nowMs: number, most: number): boolean {
    this.#walk ??= this.#dropIdle(nowMs);
    for (let looked = 0; looked < most; looked += 1) {
      if (this.#walk.next().done) {
        this.#walk = undefined;
        return true;
      }
    }
    return false;
  }

  #track(subject: Subject, rates: readonly Rate[]): Tracked {
    const values = getOrAdd(this.#classes, subject.class, () => new Map<string, Tracked>());
    const tracked = getOrAdd(values, subject.value, () => ({ rates: [], windows: [] }));
    if (tracked.rates !== rates) refit(tracked, rates);
    return tracked;
  }

  /** Looks at one value a step. */
  *#dropIdle(nowMs: number): Generator<void> {
    for (const values of this.#classes.values()) {
      for (const [value, tracked] of values) {
        if (isIdle(tracked, nowMs)) values.delete(value);
        yield;
      }
    }
  }
}
