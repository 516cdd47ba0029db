/**
 * Notices when somebody sets the date: the distance between the wall clock and the monotonic one
 * jumps, where otherwise it creeps.
 *
 * Sleep of the machine looks the same, because the monotonic clock stands still meanwhile.
 */
import type { Clock } from '../runtime/clock.ts';

/** More than small corrections of the date add up to between two readings. */
const stepMs = 2000;
/** Readings of the two clocks further apart are read again: the process was stopped in between. */
const momentMs = 500;

export class ClockSteps {
  readonly #clock: Clock;
  readonly #onStep: (ms: number) => void;
  #distanceMs: number;

  /** `onStep` gets the whole milliseconds by which the date was set; negative is back. */
  constructor(clock: Clock, onStep: (ms: number) => void) {
    this.#clock = clock;
    this.#onStep = onStep;
    this.#distanceMs = this.#read().distanceMs;
  }

  /** The wall clock; if it was set since the last reading, `onStep` is called first. */
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
