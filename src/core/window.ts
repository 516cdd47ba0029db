/**
 * An exact sliding window of marks for one value and one rate.
 *
 * Guarantee: `count` is the number of marks younger than the rate's seconds, exact up to the
 * capacity; the oldest mark is forgotten first, so whether the limit is exceeded is always exact.
 * A mark costs the same however many are in the window. Instants are monotonic milliseconds.
 */
import type { Rate } from './limits.ts';

const firstSlots = 2;
/** How far values without a limit are counted. */
const unlimitedCapacity = 1000;

/** How many marks are worth remembering: twice the limit, and always one that exceeds it. */
export function capacityOf(rate: Rate): number {
  return rate.count < 0 ? unlimitedCapacity : Math.max(1, rate.count * 2);
}

/** A ring of instants that grows to its rate's capacity only when it has to. */
export class Window {
  #instants = new Float64Array(firstSlots);
  #oldest = 0;
  #count = 0;

  /** Adds a mark and returns how many are in the window with it. */
  mark(rate: Rate, nowMs: number): number {
    this.#forget(rate, nowMs);
    const capacity = capacityOf(rate);
    if (this.#count >= capacity) this.#dropOldest(this.#count - capacity + 1);
    if (this.#count === this.#instants.length) this.#grow(capacity);
    this.#instants[(this.#oldest + this.#count) % this.#instants.length] = nowMs;
    this.#count += 1;
    return this.#count;
  }

  /** How many marks are in the window now; adds none. */
  count(rate: Rate, nowMs: number): number {
    this.#forget(rate, nowMs);
    return this.#count;
  }

  #forget(rate: Rate, nowMs: number): void {
    const startMs = nowMs - rate.seconds * 1000;
    let gone = 0;
    while (gone < this.#count && this.#at(gone) <= startMs) gone += 1;
    this.#dropOldest(gone);
  }

  #at(index: number): number {
    return this.#instants[(this.#oldest + index) % this.#instants.length] as number;
  }

  #dropOldest(many: number): void {
    this.#oldest = (this.#oldest + many) % this.#instants.length;
    this.#count -= many;
  }

  #grow(capacity: number): void {
    const grown = new Float64Array(Math.min(capacity, this.#instants.length * 2));
    for (let index = 0; index < this.#count; index += 1) grown[index] = this.#at(index);
    this.#instants = grown;
    this.#oldest = 0;
  }
}
