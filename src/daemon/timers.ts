/**
 * What the daemon does by the clock: ends blocks on time, tries again what failed, forgets idle
 * counters. Long work is done in slices, and the event loop serves checks in between.
 */
import type { Clock } from '../clock.ts';
import type { Gatekeeper } from '../gatekeeper.ts';

/** How late a block may end when a shorter one came in meanwhile, or the date was set. */
const reapEveryMs = 250;
const tendEveryMs = 5000;
const sweepSlice = 2000;

export class Timers {
  readonly #gatekeeper: Gatekeeper;
  readonly #clock: Clock;
  readonly #running = new Map<string, NodeJS.Timeout | NodeJS.Immediate>();

  constructor(gatekeeper: Gatekeeper, clock: Clock) {
    this.#gatekeeper = gatekeeper;
    this.#clock = clock;
  }

  /** Starts; `sweepSeconds` lie between two passes over the counters. */
  start(sweepSeconds: number): void {
    this.#reap();
    this.#running.set(
      'tend',
      setInterval(() => this.#gatekeeper.blocks.tend(), tendEveryMs),
    );
    this.#running.set(
      'sweep',
      setInterval(() => this.#sweep(), sweepSeconds * 1000),
    );
  }

  stop(): void {
    for (const timer of this.#running.values()) {
      clearTimeout(timer as NodeJS.Timeout);
      clearImmediate(timer as NodeJS.Immediate);
    }
    this.#running.clear();
  }

  #reap(): void {
    const { blocks } = this.#gatekeeper;
    if (blocks.reap().length > 0) {
      this.#running.set(
        'reap',
        setImmediate(() => this.#reap()),
      );
      return;
    }
    const nextMs = (blocks.nextEndMs() ?? Number.POSITIVE_INFINITY) - this.#clock.wallMs();
    const waitMs = Math.max(10, Math.min(reapEveryMs, nextMs));
    this.#running.set(
      'reap',
      setTimeout(() => this.#reap(), waitMs),
    );
  }

  #sweep(): void {
    if (this.#gatekeeper.sweep(sweepSlice)) return;
    this.#running.set(
      'sweep slice',
      setImmediate(() => this.#sweep()),
    );
  }
}
