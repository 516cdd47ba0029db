/**
 * Counters in this process's memory. They end with it: after a restart counting starts anew, but
 * blocks are in the store.
 */
import type { Rate } from '../core/limits.ts';
import { CellStore } from './cell-store.ts';
import type { Counters, Counts, Subject } from './counters.ts';
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

export class MemoryCounters implements Counters {
  readonly #cells = new CellStore();
  /** Per class and seconds of a rate, so that a reload finds the marks of the rates that stay. */
  readonly #classes = new Map<string, Map<number, RateWindows>>();
  #walk: Iterator<void> | undefined;
  #sweepMs = 0;

  get size(): number {
    let size = 0;
    // The longest window of a value is the last to be forgotten.
    for (const windows of this.#classes.values()) {
      size += Math.max(0, ...Array.from(windows.values(), (each) => each.size));
    }
    return size;
  }

  mark(subject: Subject, rates: readonly Rate[], nowMs: number): Counts {
    return rates.map((rate) => {
      return this.#windows(subject.class, rate).mark(subject.value, rate, instant(nowMs));
    });
  }

  count(subject: Subject, rates: readonly Rate[], nowMs: number): Counts {
    const windows = this.#classes.get(subject.class);
    return rates.map((rate) => {
      return windows?.get(rate.seconds)?.count(subject.value, rate, instant(nowMs)) ?? 0;
    });
  }

  clear(subject: Subject): void {
    for (const windows of this.#classes.get(subject.class)?.values() ?? []) {
      windows.clear(subject.value);
    }
  }

  sweep(nowMs: number, most: number): boolean {
    this.#sweepMs = instant(nowMs);
    this.#walk ??= this.#dropIdle();
    for (let looked = 0; looked < most; looked += 1) {
      if (this.#walk.next().done) {
        this.#walk = undefined;
        return true;
      }
    }
    return false;
  }

  #windows(name: string, { seconds }: Rate): RateWindows {
    const windows = getOrAdd(this.#classes, name, () => new Map<number, RateWindows>());
    return getOrAdd(windows, seconds, () => new RateWindows(this.#cells));
  }

  /** A pass takes many calls, and each looks at its own time. */
  *#dropIdle(): Generator<void> {
    for (const windows of this.#classes.values()) {
      for (const each of windows.values()) yield* each.dropIdle(() => this.#sweepMs);
    }
  }
}
