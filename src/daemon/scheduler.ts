/**
 * What the daemon does by the clock: ends blocks on time, tries again what failed, compares
 * blocks with what the servers have, forgets idle counters. Long work is done in slices, and the
 * event loop serves checks in between.
 */
import type { Steps } from '../blocks/reconciliation.ts';
import type { PendingTimer } from '../commands/running-daemon.ts';
import type { Gatekeeper } from '../gatekeeper/gatekeeper.ts';
import type { Clock } from '../runtime/clock.ts';
import { sliceMs } from '../runtime/slice.ts';

/** How many entries and blocks are compared in one go, if they take no longer than a slice. */
const stepsInSlice = 100;
const reconcileEveryMs = 60_000;
/** How late a block may end when a shorter one came in meanwhile, or the date was set. */
const reapEveryMs = 250;
const retryEveryMs = 5000;
const sweepSlice = 2000;

/** What is done in slices, and what shall be done after it. */
type Running = {
  readonly steps: Steps;
  readonly onDone: () => void;
  again: (() => Steps) | undefined;
};

type Scheduled = { readonly dueMs: number; readonly cancel: () => void };

export class Scheduler {
  readonly #gatekeeper: Gatekeeper;
  readonly #clock: Clock;
  readonly #scheduled = new Map<string, Scheduled>();
  readonly #running = new Map<string, Running>();
  #isStopped = false;

  constructor(gatekeeper: Gatekeeper, clock: Clock) {
    this.#gatekeeper = gatekeeper;
    this.#clock = clock;
  }

  /**
   * Starts; `sweepSeconds` lie between two passes over the counters. `onCompared` is called once, when
   * all blocks were compared with what the servers have for the first time.
   */
  start(sweepSeconds: number, onCompared = () => {}): void {
    this.#reap();
    this.every('retry', retryEveryMs, () => this.#retry());
    this.every('reconcile', reconcileEveryMs, () => this.#reconcile());
    this.#reconcile(onCompared);
    this.every('sweep', sweepSeconds * 1000, () => this.#sweep());
  }

  /** Compares what somebody else has changed in a server's files. */
  followChanges(): void {
    if (this.#isStopped) return;
    this.#inSlices('changes slice', () => this.#gatekeeper.reconciling('changed'));
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
    for (const { steps } of this.#running.values()) steps.return();
    this.#running.clear();
    this.#isStopped = true;
  }

  #reap(): void {
    const { blocks } = this.#gatekeeper;
    const ended = blocks.reap();
    if (blocks.isBehind) this.#retry();
    if (ended.length > 0) {
      this.#after('reap', 0, () => this.#reap());
      return;
    }
    const nextMs = (blocks.nextEndMs() ?? Number.POSITIVE_INFINITY) - this.#clock.wallMs();
    this.#after('reap', Math.max(10, Math.min(reapEveryMs, nextMs)), () => this.#reap());
  }

  #retry(): void {
    this.#inSlices('retry slice', () => this.#gatekeeper.retrying());
  }

  #reconcile(onDone = () => {}): void {
    this.#inSlices('reconcile slice', () => this.#gatekeeper.reconciling('all'), onDone);
  }

  /** Does the steps of `begin`; asked for again before it is done, once more afterwards. */
  #inSlices(name: string, begin: () => Steps, onDone = () => {}): void {
    const running = this.#running.get(name);
    if (running) running.again = begin;
    else {
      this.#running.set(name, { steps: begin(), onDone, again: undefined });
      this.#doSlice(name);
    }
  }

  #doSlice(name: string): void {
    const running = this.#running.get(name);
    const lastMs = this.#clock.monotonicMs() + sliceMs;
    for (let step = 0; running && step < stepsInSlice; step += 1) {
      if (this.#clock.monotonicMs() > lastMs) break;
      if (!running.steps.next().done) continue;
      this.#running.delete(name);
      running.onDone();
      const { again } = running;
      if (again) this.#after(name, 0, () => this.#inSlices(name, again));
      return;
    }
    this.#after(name, 0, () => this.#doSlice(name));
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
