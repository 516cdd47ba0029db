/**
 * The clock of a log: it is always at the latest connection.
 *
 * Guarantee: the monotonic clock never goes back. Lines a little out of order happen when the one
 * before them did; where the log goes back further, its clock was set, and the wall clock follows.
 */
import type { Clock } from '../runtime/clock.ts';

/** Lines of several processes, or in whole seconds, are out of order by less. */
const disorderMs = 2000;

export class LogClock implements Clock {
  #wallMs = 0;
  #monotonicMs = 0;

  wallMs(): number {
    return this.#wallMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  /** Goes to the time of a line. Returns by how many milliseconds it was set back; 0 when it was not. */
  goTo(atMs: number): number {
    const stepMs = atMs - this.#wallMs;
    if (stepMs >= 0) {
      this.#monotonicMs += stepMs;
      this.#wallMs = atMs;
      return 0;
    }
    if (stepMs >= -disorderMs) return 0;
    this.#wallMs = atMs;
    return -stepMs;
  }
}
