/**
 * Tells when somebody sets the date: the distance between the wall clock and the monotonic one
 * changes at once, where otherwise it creeps.
 *
 * A machine that slept looks the same, because the monotonic clock stands still meanwhile.
 */
import type { Clock } from '../runtime/clock.ts';

/** What a date that is kept right by small corrections does not reach between two looks. */
const stepMs = 2000;
/** Two readings that lie further apart are no comparison: the process was stopped in between. */
const momentMs = 500;

export class ClockSteps {
  readonly #clock: Clock;
  readonly #onStep: (ms: number) => void;
  #distanceMs: number;

  /** `onStep` is told by how many whole milliseconds the date was set, forward or, negative, back. */
  constructor(clock: Clock, onStep: (ms: number) => void) {
    this.#clock = clock;
    this.#onStep = onStep;
    this.#distanceMs = this.#read().distanceMs;
  }

  /** The wall clock; if it was set since the last look, `onStep` comes first. */
  nowMs(): number {
    const { wallMs, distanceMs } = this.#read();
    const changedMs = Math.round(distanceMs - this.#distanceMs);
    this.#distanceMs = distanceMs;
    if (Math.abs(changedMs) > stepMs) this.#onStep(changedMs);
    return wallMs;
  }

  #read(): { readonly wallMs: number; readonly distanceMs: number } {
    for (;;) {
      const beforeMs = this.#clock.monotonicMs();
      const wallMs = this.#clock.wallMs();
      if (this.#clock.monotonicMs() - beforeMs < momentMs) {
        return { wallMs, distanceMs: wallMs - beforeMs };
      }
    }
  }
}
