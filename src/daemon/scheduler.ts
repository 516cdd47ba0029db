/**
 * What the daemon does by the clock: ends blocks on time, tries again what failed, compares
 * blocks with what the servers have, writes the history, forgets idle counters. Long work is done in slices, between
 * which the event loop serves checks.
 */
import type { PendingTimer } from '../commands/running-daemon.ts';
import type { Gatekeeper } from '../gatekeeper/gatekeeper.ts';
import type { Clock } from '../runtime/clock.ts';
import { doSlice, type Work } from '../runtime/work.ts';

const reconcileEveryMs = 60_000;
/** How late a block may end that was made, or moved in time, after the timer was set. */
const reapEveryMs = 250;
const retryEveryMs = 5000;
/** With the time that writing takes, less than the second that a kill may cost. */
const writeEveryMs = 500;

/** Work that goes on in slices and waits for nothing slow, and what follows it. */
type Running = {
  readonly work: Work<unknown>;
  readonly onDone: () => void;
  again: (() => Work<unknown>) | undefined;
};

type Scheduled = { readonly dueMs: number; readonly cancel: () => void };

export class Scheduler {
  readonly #gatekeeper: Gatekeeper;
  readonly #clock: Clock;
  readonly #scheduled = new Map<string, Scheduled>();
  readonly #running = new Map<string, Running>();
  /** How late a timer was at most, in this minute and in the one before. */
  #lateness = { minute: 0, maxMs: 0, beforeMs: 0 };
  #isStopped = false;

  constructor(gatekeeper: Gatekeeper, clock: Clock) {
    this.#gatekeeper = gatekeeper;
    this.#clock = clock;
  }

  /**
   * Starts; `sweepSeconds` lie between two passes over the counters. `onCompared` is called once,
   * after all blocks were compared with what the servers have for the first time.
   */
  start(sweepSeconds: number, onCompared = () => {}): void {
    this.#reap();
    this.every('retry', retryEveryMs, () => this.#retry());
    this.every('reconcile', reconcileEveryMs, () => this.#reconcile());
    this.#reconcile(onCompared);
    this.every('history', writeEveryMs, () => this.#writeHistory());
    this.every('sweep', sweepSeconds * 1000, () => this.#sweep());
  }

  /** Compares what somebody else has changed in a server's files with the blocks. */
  followChanges(): void {
    if (this.#isStopped) return;
    this.#inSlices('changes slice', () => this.#gatekeeper.reconciling('changed'));
  }

  /** Does `work` every `pauseMs` until `stop`. */
  every(name: string, pauseMs: number, work: () => void): void {
    this.#after(name, pauseMs, () => {
      this.every(name, pauseMs, work);
      work();
    });
  }

  /** The timers that are set. */
  pending(): PendingTimer[] {
    const nowMs = this.#clock.monotonicMs();
    return [...this.#scheduled].map(([name, { dueMs }]) => ({ name, inMs: dueMs - nowMs }));
  }

  /** How late a timer was at most within the last minute or two, milliseconds. */
  get latenessMs(): number {
    this.#noteLateness(this.#clock.monotonicMs(), 0);
    return Math.max(this.#lateness.maxMs, this.#lateness.beforeMs);
  }

  stop(): void {
    for (const { cancel } of this.#scheduled.values()) cancel();
    this.#scheduled.clear();
    for (const { work } of this.#running.values()) work.return(undefined);
    this.#running.clear();
    this.#isStopped = true;
  }

  #reap(): void {
    const { blocks } = this.#gatekeeper;
    const goOn = () => {
      if (blocks.isBehind) this.#retry();
      const nextMs = (blocks.nextEndMs() ?? Number.POSITIVE_INFINITY) - this.#clock.wallMs();
      this.#after('reap', Math.max(10, Math.min(reapEveryMs, nextMs)), () => this.#reap());
    };
    this.#inSlices('reap', () => blocks.reaping(), goOn);
  }

  #retry(): void {
    this.#inSlices('retry slice', () => this.#gatekeeper.retrying());
  }

  #reconcile(onDone = () => {}): void {
    this.#inSlices('reconcile slice', () => this.#gatekeeper.reconciling('all'), onDone);
  }

  #writeHistory(): void {
    this.#inSlices('history slice', () => this.#gatekeeper.history.writing());
  }

  #sweep(): void {
    this.#inSlices('sweep slice', () => this.#gatekeeper.sweeping());
  }

  /** Does the work of `begin`; if asked again before it is done, once more afterwards. */
  #inSlices(name: string, begin: () => Work<unknown>, onDone = () => {}): void {
    const running = this.#running.get(name);
    if (running) running.again = begin;
    else {
      this.#running.set(name, { work: begin(), onDone, again: undefined });
      this.#doSlice(name);
    }
  }

  #doSlice(name: string): void {
    const running = this.#running.get(name);
    if (!running) return;
    if (!doSlice(running.work, () => this.#clock.monotonicMs()).done) {
      this.#after(name, 0, () => this.#doSlice(name));
      return;
    }
    this.#running.delete(name);
    running.onDone();
    const { again } = running;
    if (again) this.#after(name, 0, () => this.#inSlices(name, again));
  }

  #noteLateness(nowMs: number, lateMs: number): void {
    const { minute, maxMs } = this.#lateness;
    const current = Math.floor(nowMs / 60_000);
    if (current !== minute) {
      this.#lateness = { minute: current, maxMs: 0, beforeMs: current === minute + 1 ? maxMs : 0 };
    }
    this.#lateness.maxMs = Math.max(this.#lateness.maxMs, lateMs);
  }

  /** Does `work` once; with no delay, after the event loop has served waiting clients. */
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
      const timeout = setTimeout(() => {
        const nowMs = this.#clock.monotonicMs();
        this.#noteLateness(nowMs, nowMs - dueMs);
        run();
      }, delayMs);
      this.#scheduled.set(name, { dueMs, cancel: () => clearTimeout(timeout) });
    }
  }
}
