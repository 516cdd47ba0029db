/**
 * What the daemon does by the clock: ends blocks on time, tries again what failed, forgets idle
 * counters. Long work is done in slices, and the event loop serves checks in between.
 */
import type { Clock } from '../clock.ts';
import type { PendingTimer } from '../commands/daemon-facts.ts';
import type { Gatekeeper } from '../gatekeeper.ts';

/** How late a block may end when a shorter one came in meanwhile, or the date was set. */
const reapEveryMs = 250;
const tendEveryMs = 5000;
const sweepSlice = 2000;

type Scheduled = { readonly dueMs: number; readonly cancel: () => void };

export class Timers {
  readonly #gatekeeper: Gatekeeper;
  readonly #clock: Clock;
  readonly #scheduled = new Map<string, Scheduled>();

  constructor(gatekeeper: Gatekeeper, clock: Clock) {
    this.#gatekeeper = gatekeeper;
    this.#clock = clock;
  }

  /** Starts; `sweepSeconds` lie between two passes over the counters. */
  start(sweepSeconds: number): void {
    this.#reap();
    this.every('tend', tendEveryMs, () => this.#gatekeeper.blocks.tend());
    this.every('sweep', sweepSeconds * 1000, () => this.#sweep());
  }

  /** Does `work` now and then until `stop`. */
  every(name: string, pauseMs: number, work: () => void): void {
    this.#after(name, pauseMs, () => {
      this.every(name, pauseMs, work);
      work();
    });
  }

  /** What is due and when. */
  pending(): PendingTimer[] {
    const nowMs = this.#clock.monotonicMs();
    return [...this.#scheduled].map(([name, { dueMs }]) => ({ name, inMs: dueMs - nowMs }));
  }

  stop(): void {
    for (const { cancel } of this.#scheduled.values()) cancel();
    this.#scheduled.clear();
  }

  #reap(): void {
    const { blocks } = this.#gatekeeper;
    if (blocks.reap().length > 0) {
      this.#after('reap', 0, () => this.#reap());
      return;
    }
    const nextMs = (blocks.nextEndMs() ?? Number.POSITIVE_INFINITY) - this.#clock.wallMs();
    this.#after('reap', Math.max(10, Math.min(reapEveryMs, nextMs)), () => this.#reap());
  }

  #sweep(): void {
    if (!this.#gatekeeper.sweep(sweepSlice)) {
      this.#after('sweep slice', 0, () => this.#sweep());
    }
  }

  /** Does `work` once; with no delay as soon as the event loop has served who waits. */
  #after(name: string, delayMs: number, work: () => void): void {
    const run = () => {
      this.#scheduled.delete(name);
      work();
    };
    const dueMs = this.#clock.monotonicMs() + delayMs;
    if (delayMs === 0) {
      const immediate = setImmediate(run);
      this.#scheduled.set(name, { dueMs, cancel: () => clearImmediate(immediate) });
    } else {
      const timeout = setTimeout(run, delayMs);
      this.#scheduled.set(name, { dueMs, cancel: () => clearTimeout(timeout) });
    }
  }
}
