/** Counters that tell of each hit what the counts are with it. */
import type { Rate } from '../core/limits.ts';
import type { Value } from '../core/value.ts';
import type { CounterKey, Counters, Counts, Ipv4Hits } from '../counters/counters.ts';
import type { MemoryCounters } from '../counters/memory-counters.ts';
import type { Work } from '../runtime/work.ts';

export type OnHit = (
  className: string,
  value: Value,
  rates: readonly Rate[],
  counts: Counts,
) => void;

export class ObservedCounters implements Counters {
  readonly #counters: MemoryCounters;
  readonly #onHit: OnHit;

  constructor(counters: MemoryCounters, onHit: OnHit) {
    this.#counters = counters;
    this.#onHit = onHit;
  }

  get size(): number {
    return this.#counters.size;
  }

  hit(key: CounterKey, rates: readonly Rate[], nowMs: number): Counts {
    const counts = this.#counters.hit(key, rates, nowMs);
    this.#onHit(key.class, key.ipv4 ?? key.value, rates, counts);
    return counts;
  }

  ofIPv4(name: string, rates: readonly Rate[]): Ipv4Hits {
    const hits = this.#counters.ofIPv4(name, rates);
    return {
      hitWithin: (bits, nowMs) => {
        const counts = hits.hitWithin(bits, nowMs);
        if (counts) this.#onHit(name, bits, rates, counts);
        return counts;
      },
    };
  }

  count(key: CounterKey, rates: readonly Rate[], nowMs: number): Counts {
    return this.#counters.count(key, rates, nowMs);
  }

  clear(key: CounterKey): void {
    this.#counters.clear(key);
  }

  sweeping(nowMs: () => number, atOnce: number): Work<void> {
    return this.#counters.sweeping(nowMs, atOnce);
  }
}
