/**
 * `history`: what happened, the latest last, also while rater is down. Long answers are put together
 * in slices, between which the daemon serves checks.
 */

import { parseNetwork } from '../core/address.ts';
import {
  type HistoryEvent,
  type HistoryFilter,
  type HourlyTotal,
  historyEvents,
} from '../core/history-event.ts';
import { exitCodes, Fault } from '../runtime/errors.ts';
import { quoted } from '../runtime/log.ts';
import { doBeside, type Work } from '../runtime/work.ts';
import type {
  Cell,
  Column,
  Command,
  CommandContext,
  CommandOptions,
  Line,
  Outcome,
} from './command.ts';
import { instantInOption } from './instant-in.ts';
import { jsonLines } from './json-lines.ts';
import { addressIn, countedNoun, duration } from './words.ts';

/** How many events a person is shown. */
const usualLimit = 1000;

type WantedLines = { readonly lines: Line[]; readonly isAny: boolean };

/** An event as `--json` shows it. Instants are ISO 8601. */
export function eventJson(event: HistoryEvent) {
  const { atMs, forMs, value, by, reason, count, limit, seconds, times } = event;
  return {
    time: new Date(atMs).toISOString(),
    event: event.event,
    class: event.class || null,
    value: value || null,
    by: by || null,
    reason: reason || null,
    forSeconds: forMs === undefined ? null : Math.round(forMs / 1000),
    count,
    limit,
    seconds,
    times,
  };
}

function totalJson({ hourMs, ...total }: HourlyTotal) {
  return { hour: new Date(hourMs).toISOString(), ...total };
}

/** How long it was meant to last, or lasted. */
function lengthOf({ event, forMs }: HistoryEvent): string {
  if (forMs === undefined) return event === 'allowed' ? 'for good' : '';
  const isEnd = event === 'unblocked' || event === 'block ended' || event === 'recovered';
  return `${isEnd ? 'after' : 'for'} ${duration(forMs)}`;
}

/** `by rater for 2 minutes, class ip, rate 11/10/60s, times 2`, then a reason. */
function story(event: HistoryEvent): string {
  const { class: name, by, reason, count, limit, seconds, times } = event;
  const isCounted = seconds === 0 && count > 1;
  const parts = [
    [by && `by ${by}`, lengthOf(event)].filter(Boolean).join(' '),
    name && times > 0 ? `class ${name}` : '',
    seconds > 0 ? `rate ${count}/${limit}/${seconds}s` : '',
    times > 0 ? `times ${times}` : '',
    isCounted ? `${count} times` : '',
  ];
  const told = parts.filter(Boolean).join(', ');
  return reason ? [told, reason].filter(Boolean).join(': ') : told;
}

const eventColumns: readonly Column[] = [
  { name: 'TIME', shows: 'instant' },
  { name: 'EVENT' },
  { name: 'VALUE' },
  { name: 'WHAT', least: 12, goesBelow: true },
];

function row(event: HistoryEvent): Cell[] {
  return [event.atMs, event.event, event.value || '-', story(event)];
}

const totalColumns: readonly Column[] = [
  { name: 'HOUR', shows: 'instant' },
  { name: 'CLASS' },
  { name: 'WITHIN' },
  { name: 'EXCEEDED' },
  { name: 'BLOCKED' },
  { name: 'ERRORS' },
];

function totalRow(total: HourlyTotal): Cell[] {
  const { hourMs, class: name, within, exceeded, blocked, errors } = total;
  return [hourMs, name, ...[within, exceeded, blocked, errors].map(String)];
}

/** Blanks of a name may be written as hyphens. @throws Fault `usage` */
function eventIn(option: string | boolean | undefined): string | undefined {
  if (option === undefined) return undefined;
  const name = String(option).replaceAll('-', ' ');
  if (Object.hasOwn(historyEvents, name)) return name;
  const names = Object.keys(historyEvents).join(', ');
  throw new Fault('usage', `no such event: ${quoted(String(option))}; there are: ${names}`);
}

/** @throws Fault `usage` */
function limitIn({ limit, json, jsonl }: CommandOptions): number {
  if (limit === undefined) return json || jsonl ? Number.POSITIVE_INFINITY : usualLimit;
  if (!/^\d{1,9}$/.test(String(limit))) {
    throw new Fault('usage', `--limit: not a number: ${quoted(String(limit))}`);
  }
  return Number(limit) || Number.POSITIVE_INFINITY;
}

/** @throws Fault `usage` */
function filterOf(context: CommandContext, text: string | undefined, options: CommandOptions) {
  const nowMs = context.clock.wallMs();
  const isAddress = text !== undefined && parseNetwork(text) !== undefined;
  return {
    sinceMs: instantInOption(options.since, nowMs),
    untilMs: instantInOption(options.until, nowMs),
    event: eventIn(options.event),
    class: options.class === undefined ? undefined : String(options.class),
    address: isAddress ? addressIn(text) : undefined,
    value: isAddress ? undefined : text,
  };
}

/** One more than wanted tells that there are earlier ones. */
function* latest(
  context: CommandContext,
  filter: HistoryFilter,
  limit: number,
): Work<HistoryEvent[]> {
  const found: HistoryEvent[] = [];
  for (const event of context.gatekeeper.history.events(filter)) {
    if (event && found.push(event) > limit) break;
    yield;
  }
  return found;
}

function* eventLines(
  context: CommandContext,
  filter: HistoryFilter,
  options: CommandOptions,
): Work<WantedLines> {
  const limit = limitIn(options);
  const found = yield* latest(context, filter, limit);
  const hasEarlier = found.length > limit;
  if (hasEarlier) found.length = limit;
  found.reverse();
  const isAny = found.length > 0;
  if (options.json || options.jsonl) {
    return { lines: yield* jsonLines(found, eventJson, Boolean(options.json)), isAny };
  }
  const footer = countedNoun(found.length, 'event');
  const rows: Cell[][] = [];
  for (const event of found) {
    rows.push(row(event));
    yield;
  }
  const table = { columns: eventColumns, rows, footer };
  const earlier = hasEarlier ? ['earlier ones are left out; --limit 0 shows all'] : [];
  return { lines: [...earlier, table], isAny };
}

function* totalLines(
  { gatekeeper }: CommandContext,
  filter: HistoryFilter,
  options: CommandOptions,
): Work<WantedLines> {
  const { sinceMs = Number.MIN_SAFE_INTEGER, untilMs = Number.MAX_SAFE_INTEGER } = filter;
  const totals = gatekeeper.history
    .totals(sinceMs, untilMs)
    .filter((total) => filter.class === undefined || filter.class === total.class);
  const isAny = totals.length > 0;
  if (options.json || options.jsonl) {
    return { lines: yield* jsonLines(totals, totalJson, Boolean(options.json)), isAny };
  }
  return { lines: [{ columns: totalColumns, rows: totals.map(totalRow) }], isAny };
}

export const history: Command = {
  name: 'history',
  arguments: '[value]',
  summary: 'say what happened: blocks, their ends, changes, trouble; the latest last',
  options: [
    { flags: '--since <when>', summary: 'from then on: 2h or 7d ago, a date, a date and time' },
    { flags: '--until <when>', summary: 'and before then' },
    { flags: '--class <class>', summary: 'only what happened by limits of this class' },
    { flags: '--event <event>', summary: 'only events of this name, as in the column EVENT' },
    { flags: '--limit <number>', summary: 'only so many, the latest; 0: all' },
    { flags: '--hours', summary: 'how many checks there were in each hour, and their answers' },
    { flags: '--json', summary: 'print an array of objects' },
    { flags: '--jsonl', summary: 'print an object a line' },
  ],
  instants: ['since', 'until'],
  changes: false,
  async run(context, [text], options): Promise<Outcome> {
    const filter = filterOf(context, text, options);
    if (options.hours && (text !== undefined || filter.event !== undefined)) {
      throw new Fault('usage', 'history --hours knows no values and no events');
    }
    const work = options.hours ? totalLines : eventLines;
    const nowMs = () => context.clock.monotonicMs();
    const { lines, isAny } = await doBeside(work(context, filter, options), { nowMs });
    return { exit: (isAny ? exitCodes.done : exitCodes.refused).code, lines };
  },
};
