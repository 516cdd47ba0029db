/**
 * Keeps what happened: notes it in memory at once, and writes it to the store a moment later, many
 * events in one commit.
 *
 * Guarantee: note() neither waits nor throws, whatever is wrong with the store; what cannot be written
 * is tried again. Of more than `maxWaiting` events that wait, the later ones are lost, counted and told.
 * Guarantee: close() writes all that waits. A kill costs what was noted since the last writing().
 * Guarantee: the store keeps at most `history` events, none older than `historyDays`; writing and
 * forgetting are done in slices.
 */
import {
  type HistoryEvent,
  type HistoryFilter,
  type HourlyTotal,
  isWanted,
  type NewHistoryEvent,
} from '../core/history-event.ts';
import type { CheckTotals, ClassTally } from '../health/check-totals.ts';
import type { Health } from '../health/health.ts';
import type { Clock } from '../runtime/clock.ts';
import { doNow, type Work } from '../runtime/work.ts';
import type { Store } from '../store/store.ts';

/** Who acts, where no operator does. */
export const rater = 'rater';
/** An operator of whom no more is known. */
export const operator = 'operator';

export type HistoryParts = {
  readonly store: Store;
  readonly health: Health;
  readonly clock: Clock;
  /** How many events are kept, and for how many days; a reload changes them. */
  readonly bounds: () => { readonly history: number; readonly historyDays: number };
};

/** How many events may wait to be written. */
export const maxWaiting = 20_000;
/** How many of them one commit takes, and how many one step looks through or forgets. */
const atOnce = 250;
const readAtOnce = 500;
const retryMs = 5000;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const maxReason = 1000;

/** The name and part of trouble with writing. */
const mode = 'history';

/** Each field by its name: to spread objects would take ten times as long. */
function completed(event: NewHistoryEvent, nowMs: number): HistoryEvent {
  const { class: className = '', value = '', by = '', reason = '', forMs } = event;
  const { count = 0, limit = 0, seconds = 0, times = 0 } = event;
  return {
    atMs: Math.round(nowMs),
    event: event.event,
    class: className,
    value,
    by,
    reason: reason.slice(0, maxReason),
    count,
    limit,
    seconds,
    forMs: forMs === undefined ? undefined : Math.round(forMs),
    times,
  };
}

export class History {
  readonly #parts: HistoryParts;
  /** The first one is written next. */
  #waiting: HistoryEvent[] = [];
  #lost = 0;
  /** After a failure nothing is written before this monotonic instant. */
  #againMs = Number.NEGATIVE_INFINITY;
  /** What was counted of each class when it was last added to the hourly totals. */
  #counted: ReadonlyMap<string, ClassTally> = new Map();

  constructor(parts: HistoryParts) {
    this.#parts = parts;
  }

  /** Keeps that this happens now. */
  note(event: NewHistoryEvent): void {
    const { bounds, health, clock } = this.#parts;
    if (bounds().history === 0) return;
    if (this.#waiting.length >= maxWaiting) {
      this.#lost += 1;
      health.warn('event lost');
      return;
    }
    this.#waiting.push(completed(event, clock.wallMs()));
  }

  /** Keeps when degraded modes begin and end, and that those began which hold already. */
  follow(health: Health): void {
    health.follow({
      began: ({ mode: value, effect, part, what, count }) => {
        if (value === mode || value === 'event lost') return;
        const event = effect === 'fails open' && part === '' ? 'failed open' : 'degraded';
        this.note({ event, value, reason: part ? `${part}: ${what}` : what, count });
      },
      ended: ({ mode: value, part, forMs }) => {
        if (value === mode || value === 'event lost') return;
        this.note({ event: 'recovered', value, reason: part, forMs });
      },
    });
  }

  /** Writes what waits, and forgets what is too much; a fault is trouble that is told. */
  *writing(): Work<void> {
    if (this.#waiting.length === 0 && this.#lost === 0) return;
    if (this.#parts.clock.monotonicMs() < this.#againMs) return;
    while (this.#writeSome()) yield;
    if (this.#waiting.length === 0) yield* this.forgetting();
  }

  /** Forgets what is too old or too much. */
  *forgetting(): Work<void> {
    const { store, health, bounds, clock } = this.#parts;
    const { history, historyDays } = bounds();
    const olderMs = clock.wallMs() - historyDays * dayMs;
    const forgetSome = () => store.forgetEvents(history, olderMs, atOnce);
    while (health.attempt(mode, mode, forgetSome) === atOnce) yield;
    const oldestHourMs = history === 0 ? Number.MAX_SAFE_INTEGER : olderMs;
    health.attempt(mode, mode, () => store.forgetTotals(oldestHourMs));
  }

  /** Adds what was counted of each class since the last time to the totals of this hour. */
  count(tallies: CheckTotals['classes']): void {
    const { store, health, bounds, clock } = this.#parts;
    if (bounds().history === 0) return;
    const hour = Math.floor(clock.wallMs() / hourMs) * hourMs;
    const totals = tallies.flatMap((tally) => {
      const before = this.#counted.get(tally.name);
      const total: HourlyTotal = {
        hourMs: hour,
        class: tally.name,
        within: tally.within - (before?.within ?? 0),
        exceeded: tally.exceeded - (before?.exceeded ?? 0),
        blocked: tally.blocked - (before?.blocked ?? 0),
        errors: tally.errors - (before?.errors ?? 0),
      };
      return total.within + total.exceeded + total.blocked + total.errors > 0 ? [total] : [];
    });
    if (totals.length === 0) return;
    // What could not be written is counted with the next.
    const isWritten = health.try(mode, mode, () => this.#whole(() => store.addTotals(totals)));
    if (isWritten) this.#counted = new Map(tallies.map((tally) => [tally.name, tally]));
  }

  /**
   * What happened and is wanted, the latest first, also what waits to be written; undefined where the
   * caller may pause. @throws Fault `store`
   */
  *events(filter: HistoryFilter = {}): Generator<HistoryEvent | undefined, void> {
    const { sinceMs = Number.MIN_SAFE_INTEGER, untilMs = Number.MAX_SAFE_INTEGER } = filter;
    const { store } = this.#parts;
    for (const _ of this.writing()) yield undefined;
    // Both before the next pause, in which what waits may be written.
    const waiting = this.#waiting.toReversed();
    let page = store.events(undefined, readAtOnce, sinceMs, untilMs);
    for (const event of waiting) yield isWanted(event, filter) ? event : undefined;
    for (;;) {
      for (const event of page.events) yield isWanted(event, filter) ? event : undefined;
      yield undefined;
      if (page.next === undefined) return;
      page = store.events(page.next, readAtOnce, sinceMs, untilMs);
    }
  }

  /** The totals of hours that began at `sinceMs` or later and before `untilMs`. @throws Fault `store` */
  totals(sinceMs: number, untilMs: number): HourlyTotal[] {
    return this.#parts.store.totals(sinceMs, untilMs);
  }

  /** Writes all that waits, now. */
  close(): void {
    this.#againMs = Number.NEGATIVE_INFINITY;
    doNow(this.writing());
  }

  /** Whether there is more to write. */
  #writeSome(): boolean {
    const { store, health, clock } = this.#parts;
    const lost = this.#lost;
    const some = this.#waiting.slice(0, atOnce);
    if (lost > 0 && some.length < atOnce) {
      some.push(completed({ event: 'events lost', count: lost }, clock.wallMs()));
    }
    const isWritten = health.try(mode, mode, () => this.#whole(() => store.addEvents(some)));
    if (!isWritten) {
      this.#againMs = clock.monotonicMs() + retryMs;
      return false;
    }
    if (some.length > this.#waiting.length) this.#lost -= lost;
    this.#waiting = this.#waiting.slice(atOnce);
    return this.#waiting.length > 0 || this.#lost > 0;
  }

  /** Does `work`, after a failure only if the store can be written again. @throws Fault `store` */
  #whole(work: () => void): true {
    const { store, health } = this.#parts;
    if (health.trouble(mode)) store.tryWriting();
    work();
    return true;
  }
}
