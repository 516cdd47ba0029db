/**
 * What happened and is kept: blocks and their ends, changes by operators, trouble. Each event says
 * when, to what, by whom and why.
 *
 * Pure. All events have the same fields, of which each uses what it needs.
 */
import { type Address, contains, parseNetwork } from './address.ts';

/** Each event, and what it means. */
export const historyEvents = {
  blocked: 'a block began',
  unblocked: 'a block was lifted before its end',
  'block ended': 'a block was over',
  'would block': 'a dry run would have blocked',
  allowed: 'an operator allowlisted an address',
  disallowed: 'an operator took that back',
  'failed open': 'clients were let in that nobody had counted',
  degraded: 'a degraded mode began, or went on with other trouble',
  recovered: 'a degraded mode ended',
  started: 'rater was ready',
  stopped: 'rater ended by a signal that it obeyed',
  reloaded: 'the configuration was read again',
  changed: 'an operator changed a setting of the running rater',
  'clock set': 'somebody set the date',
  'events lost': 'events were not kept, because they could not be written',
} as const;

export type HistoryEventName = keyof typeof historyEvents;

export type HistoryEvent = {
  /** Wall clock milliseconds. */
  readonly atMs: number;
  readonly event: HistoryEventName;
  /** Of limits; '' for none. */
  readonly class: string;
  /** The address or network, the degraded mode or the setting; '' for none. */
  readonly value: string;
  /** An operator, `rater`, or what made it happen; '' when nobody did. */
  readonly by: string;
  /** The operator's words, or what there is to say; ''. */
  readonly reason: string;
  /** Hits and the exceeded limit, as in a block; 0. Of events that were told together, how many. */
  readonly count: number;
  readonly limit: number;
  readonly seconds: number;
  /** How long it is meant to last or, of an end, how long it lasted; undefined: not known, or for good. */
  readonly forMs: number | undefined;
  /** Which remembered offence a block is for; 0. */
  readonly times: number;
};

/** An event without what it does not use. */
export type NewHistoryEvent = Pick<HistoryEvent, 'event'> & Partial<Omit<HistoryEvent, 'atMs'>>;

/** How checks of a class were answered that came within an hour. */
export type HourlyTotal = {
  /** When the hour began, wall clock milliseconds. */
  readonly hourMs: number;
  readonly class: string;
  readonly within: number;
  /** Refused without a block. */
  readonly exceeded: number;
  /** Refused because of a block. */
  readonly blocked: number;
  readonly errors: number;
};

/** What is asked for; undefined parts do not matter. */
export type HistoryFilter = {
  readonly sinceMs?: number | undefined;
  /** The first instant that is too late. */
  readonly untilMs?: number | undefined;
  readonly event?: string | undefined;
  readonly class?: string | undefined;
  /** Finds what lies in it, and what it lies in. */
  readonly address?: Address | undefined;
  readonly value?: string | undefined;
};

export function isWanted(event: HistoryEvent, filter: HistoryFilter): boolean {
  const { sinceMs = event.atMs, untilMs = Number.POSITIVE_INFINITY } = filter;
  if (event.atMs < sinceMs || event.atMs >= untilMs) return false;
  for (const name of ['event', 'class', 'value'] as const) {
    if (filter[name] !== undefined && filter[name] !== event[name]) return false;
  }
  return filter.address === undefined || touches(filter.address, event.value);
}

function touches(asked: Address, value: string): boolean {
  const address = parseNetwork(value);
  return address !== undefined && (contains(asked, address) || contains(address, asked));
}
