/**
 * When to rebuild: soon after a request, at most once a second however many requests come (twice
 * when urgent), and again after a failure.
 *
 * Guarantee: rebuilds never overlap; only `flush` and `stop` abandon one midway. A request made
 * during a rebuild is served by the next.
 * Guarantee: the failure of a scheduled rebuild reaches `onFailure` and never the event loop.
 */
import type { Timers, WorkOutcome } from '../../runtime/timers.ts';
import { doNow, type Work } from '../../runtime/work.ts';

const pauseMs = 1000;
const urgentPauseMs = pauseMs / 2;
const retryMs = 5000;

type Waiting = { readonly resolve: () => void; readonly reject: (error: unknown) => void };
type Scheduled = { readonly dueMs: number; readonly cancel: () => void };

export class RebuildPace {
  readonly #rebuild: () => Work<void>;
  readonly #onFailure: (error: unknown) => void;
  readonly #timers: Timers;
  /** Milliseconds from the last rebuild to the next; undefined when none is wanted. */
  #wantedAfterMs: number | undefined;
  #isRebuilding = false;
  #waitingForThis: Waiting[] = [];
  #waitingForNext: Waiting[] = [];
  #isStopped = false;
  #giveUp = () => {};
  #lastMs = Number.NEGATIVE_INFINITY;
  #scheduled: Scheduled | undefined;
  /** When the oldest request came that is not served: by the current rebuild, or by the next. */
  #servingMs: number | undefined;
  #unservedMs: number | undefined;

  constructor(rebuild: () => Work<void>, onFailure: (error: unknown) => void, timers: Timers) {
    this.#rebuild = rebuild;
    this.#onFailure = onFailure;
    this.#timers = timers;
  }

  /**
   * Asks for a rebuild at the end of this turn, or a second after the last one. An urgent request
   * waits only half as long, so that it is served within a second.
   */
  request(isUrgent = false): void {
    this.#want(isUrgent ? urgentPauseMs : pauseMs);
    this.#scheduleWanted();
  }

  /** Milliseconds until a rebuild is due: 0 during one, undefined when none is wanted. */
  get inMs(): number | undefined {
    if (this.#isRebuilding) return 0;
    return this.#scheduled && this.#scheduled.dueMs - this.#timers.nowMs();
  }

  /** Milliseconds that the oldest request has waited; 0 when all are served. */
  get lagMs(): number {
    const sinceMs = this.#servingMs ?? this.#unservedMs;
    return sinceMs === undefined ? 0 : this.#timers.nowMs() - sinceMs;
  }

  /**
   * Rebuilds soon if a rebuild is wanted, however recent the last one. Resolves when that one, or
   * else the current one, is done; rejects with what it throws.
   */
  settle(): Promise<void> {
    if (this.#wantedAfterMs === undefined && !this.#isRebuilding) return Promise.resolve();
    const waiting = this.#wantedAfterMs === undefined ? this.#waitingForThis : this.#waitingForNext;
    return new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      if (waiting === this.#waitingForNext) {
        this.#want(Number.NEGATIVE_INFINITY);
        this.#scheduleWanted();
      }
    });
  }

  /** Rebuilds at once if a rebuild is wanted or under way; throws what it throws. */
  flush(): void {
    if (this.#wantedAfterMs === undefined && !this.#isRebuilding) return;
    this.#giveUp();
    this.#unschedule();
    this.#takeUp();
    const waiting = [...this.#waitingForThis.splice(0), ...this.#waitingForNext.splice(0)];
    try {
      doNow(this.#rebuild());
      this.#servingMs = undefined;
      tell(waiting, 'done');
    } catch (error) {
      this.#retry();
      tell(waiting, { error });
      throw error;
    } finally {
      this.#lastMs = this.#timers.nowMs();
    }
  }

  /** Ends scheduled rebuilds and abandons the current one. */
  stop(): void {
    this.#isStopped = true;
    this.#giveUp();
    this.#unschedule();
  }

  #want(afterMs: number): void {
    this.#wantedAfterMs = Math.min(afterMs, this.#wantedAfterMs ?? afterMs);
    this.#unservedMs ??= this.#timers.nowMs();
  }

  #scheduleWanted(): void {
    if (this.#wantedAfterMs === undefined) return;
    this.#schedule(Math.max(this.#timers.nowMs(), this.#lastMs + this.#wantedAfterMs));
  }

  /** The requests of before are served from now on; those of a rebuild that failed still wait. */
  #takeUp(): void {
    this.#wantedAfterMs = undefined;
    this.#servingMs ??= this.#unservedMs;
    this.#unservedMs = undefined;
  }

  #retry(): void {
    this.#want(pauseMs);
    this.#schedule(this.#timers.nowMs() + retryMs);
  }

  #schedule(dueMs: number): void {
    if (this.#isStopped || this.#isRebuilding) return;
    if (this.#scheduled && this.#scheduled.dueMs <= dueMs) return;
    this.#unschedule();
    const cancel = this.#timers.after(dueMs - this.#timers.nowMs(), () => this.#begin());
    this.#scheduled = { dueMs, cancel };
  }

  #unschedule(): void {
    this.#scheduled?.cancel();
    this.#scheduled = undefined;
  }

  #begin(): void {
    this.#scheduled = undefined;
    this.#takeUp();
    this.#isRebuilding = true;
    this.#waitingForThis = this.#waitingForNext;
    this.#waitingForNext = [];
    this.#giveUp = this.#timers.begin(this.#rebuild(), (ending) => this.#end(ending));
  }

  #end(ending: WorkOutcome): void {
    this.#isRebuilding = false;
    if (ending === 'given up') {
      this.#scheduleWanted();
      return;
    }
    if (ending === 'done') this.#servingMs = undefined;
    tell(this.#waitingForThis.splice(0), ending);
    this.#lastMs = this.#timers.nowMs();
    const isWanted = this.#wantedAfterMs !== undefined;
    if (ending !== 'done' && !isWanted) this.#retry();
    else this.#scheduleWanted();
    if (ending !== 'done') this.#onFailure(ending.error);
  }
}

function tell(waiting: readonly Waiting[], ending: Exclude<WorkOutcome, 'given up'>): void {
  for (const { resolve, reject } of waiting) {
    if (ending === 'done') resolve();
    else reject(ending.error);
  }
}
