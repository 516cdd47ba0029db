/**
 * When to rebuild: soon after it is asked for, never more than once a second (twice when urgent)
 * however often it is asked for, and again by itself when it failed.
 *
 * Guarantee: a rebuild that fails in a timer reaches `onFailure` and never the event loop.
 */

const pauseMs = 1000;
const retryMs = 5000;

export type Timers = {
  /** Milliseconds on a clock that never jumps. */
  nowMs(): number;
  /** Runs `task` after `delayMs`, 0 being the end of this turn. Returns what prevents it. */
  after(delayMs: number, task: () => void): () => void;
};

export const realTimers: Timers = {
  nowMs: () => performance.now(),
  after(delayMs, task) {
    if (delayMs <= 0) {
      const immediate = setImmediate(task);
      return () => clearImmediate(immediate);
    }
    const timeout = setTimeout(task, delayMs);
    return () => clearTimeout(timeout);
  },
};

type Scheduled = { readonly dueMs: number; readonly cancel: () => void };

export class RebuildPace {
  readonly #rebuild: () => void;
  readonly #onFailure: (error: unknown) => void;
  readonly #timers: Timers;
  #isWanted = false;
  #isStopped = false;
  #lastMs = Number.NEGATIVE_INFINITY;
  #scheduled: Scheduled | undefined;

  constructor(rebuild: () => void, onFailure: (error: unknown) => void, timers: Timers) {
    this.#rebuild = rebuild;
    this.#onFailure = onFailure;
    this.#timers = timers;
  }

  /**
   * Asks for a rebuild: at the end of this turn, or a second after the last one. What is urgent
   * waits only half as long, so that it is done within a second.
   */
  request(isUrgent = false): void {
    this.#isWanted = true;
    const waitMs = isUrgent ? pauseMs / 2 : pauseMs;
    this.#schedule(Math.max(this.#timers.nowMs(), this.#lastMs + waitMs));
  }

  /** In how many milliseconds a rebuild is due, or undefined: none is. */
  get inMs(): number | undefined {
    return this.#scheduled && this.#scheduled.dueMs - this.#timers.nowMs();
  }

  /** Rebuilds now if a rebuild is wanted; throws what it throws. */
  flush(): void {
    if (!this.#isWanted) return;
    this.#unschedule();
    try {
      this.#rebuild();
      this.#isWanted = false;
    } catch (error) {
      this.#schedule(this.#timers.nowMs() + retryMs);
      throw error;
    } finally {
      this.#lastMs = this.#timers.nowMs();
    }
  }

  /** No rebuild happens by itself any more. */
  stop(): void {
    this.#isStopped = true;
    this.#unschedule();
  }

  #schedule(dueMs: number): void {
    if (this.#isStopped || (this.#scheduled && this.#scheduled.dueMs <= dueMs)) return;
    this.#unschedule();
    const cancel = this.#timers.after(dueMs - this.#timers.nowMs(), () => this.#fire());
    this.#scheduled = { dueMs, cancel };
  }

  #unschedule(): void {
    this.#scheduled?.cancel();
    this.#scheduled = undefined;
  }

  #fire(): void {
    this.#scheduled = undefined;
    try {
      this.flush();
    } catch (error) {
      this.#onFailure(error);
    }
  }
}
