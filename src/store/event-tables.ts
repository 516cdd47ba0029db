/**
 * The tables of the history in the database: events in the order in which they happened, and hourly
 * totals. Nothing here is read or written on the way of a check.
 */
import type Database from 'better-sqlite3';
import { type HistoryEvent, type HourlyTotal, historyEvents } from '../core/history-event.ts';
import { preventGc } from './prevent-gc.ts';
import type { EventPage } from './store.ts';

/** A row of `events`, column by column. */
type EventRow = readonly [
  atMs: number,
  event: string,
  className: string,
  value: string,
  actor: string,
  reason: string,
  count: number,
  limit: number,
  seconds: number,
  forMs: number | null,
  times: number,
];

/** The last instant that a Date can hold. */
const lastInstantMs = 8.64e15;

function rowOf(event: HistoryEvent): EventRow {
  const { atMs, value, by, reason, count, limit, seconds, forMs = null, times } = event;
  return [
    ...([atMs, event.event, event.class, value, by, reason] as const),
    ...([count, limit, seconds, forMs, times] as const),
  ];
}

/** Undefined for a row that makes no sense, because another program wrote it. */
function eventOf(row: EventRow): HistoryEvent | undefined {
  const [atMs, event, className, value, by, reason, count, limit, seconds, forMs, times] = row;
  if (!Object.hasOwn(historyEvents, event) || Math.abs(atMs) > lastInstantMs) return undefined;
  return {
    atMs,
    event: event as HistoryEvent['event'],
    class: className,
    value,
    by,
    reason,
    count,
    limit,
    seconds,
    forMs: forMs ?? undefined,
    times,
  };
}

function prepare(database: Database.Database) {
  return preventGc({
    add: database.prepare<[...EventRow]>(
      `INSERT INTO events (at_ms, event, class, value, actor, reason, count, limit_count, seconds,
       for_ms, times) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    lastId: database.prepare<[], number | null>('SELECT max(id) FROM events').pluck(),
    firstId: database.prepare<[], number | null>('SELECT min(id) FROM events').pluck(),
    between: database
      .prepare<[number, number, number, number], EventRow>(
        `SELECT at_ms, event, class, value, actor, reason, count, limit_count, seconds, for_ms, times
         FROM events WHERE id > ? AND id <= ? AND at_ms >= ? AND at_ms < ? ORDER BY id DESC`,
      )
      .raw(),
    forgetFirst: database.prepare<[number, number]>(
      'DELETE FROM events WHERE id IN (SELECT id FROM events WHERE id <= ? ORDER BY id LIMIT ?)',
    ),
    forgetOld: database.prepare<[number, number]>(
      'DELETE FROM events WHERE id IN (SELECT id FROM events WHERE at_ms < ? LIMIT ?)',
    ),
    addTotal: database.prepare<[HourlyTotal]>(
      `INSERT INTO hours VALUES (@hourMs, @class, @within, @exceeded, @blocked, @errors)
       ON CONFLICT (hour_ms, class) DO UPDATE SET within = within + excluded.within,
       exceeded = exceeded + excluded.exceeded, blocked = blocked + excluded.blocked,
       errors = errors + excluded.errors`,
    ),
    totals: database.prepare<[number, number], HourlyTotal>(
      `SELECT hour_ms AS hourMs, class, within, exceeded, blocked, errors FROM hours
       WHERE hour_ms >= ? AND hour_ms < ? ORDER BY hour_ms, class`,
    ),
    forgetTotals: database.prepare<[number]>('DELETE FROM hours WHERE hour_ms < ?'),
  });
}

/** Each call is one commit at most. */
export function eventTables(database: Database.Database) {
  const statements = prepare(database);
  return {
    add: database.transaction((events: readonly HistoryEvent[]): void => {
      for (const event of events) statements.add.run(...rowOf(event));
    }).immediate,

    read(from: number | undefined, max: number, sinceMs: number, untilMs: number): EventPage {
      const last = from ?? statements.lastId.get() ?? 0;
      const rows = statements.between.all(last - max, last, sinceMs, untilMs);
      const isEnd = last - max < (statements.firstId.get() ?? last);
      const events = rows.flatMap((row) => eventOf(row) ?? []);
      return { events, next: isEnd ? undefined : last - max };
    },

    /** Ids are given in turn, so the last one tells how many there are at most. */
    forget(kept: number, olderMs: number, max: number): number {
      const firstKept = (statements.lastId.get() ?? 0) - kept;
      const surplus = statements.forgetFirst.run(firstKept, max).changes;
      return surplus + statements.forgetOld.run(olderMs, max - surplus).changes;
    },

    addTotals: database.transaction((totals: readonly HourlyTotal[]): void => {
      for (const total of totals) statements.addTotal.run(total);
    }).immediate,

    totals: (sinceMs: number, untilMs: number) => statements.totals.all(sinceMs, untilMs),

    forgetTotals(olderMs: number): void {
      statements.forgetTotals.run(olderMs);
    },
  };
}
