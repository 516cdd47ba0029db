/** How commands word addresses, times and rates. */

import { type Address, hostBitsIn, parseNetwork } from '../core/address.ts';
import type { Block } from '../core/block.ts';
import { Fault } from '../runtime/errors.ts';
import { quoted } from '../runtime/log.ts';

const longestReason = 200;
const daySeconds = 86_400;
export const longestDays = 366;

/** What may stand behind a number; an upper case M would be a month to some and a minute to others. */
const unitSeconds: Readonly<Record<string, number>> = {
  '': 1,
  s: 1,
  m: 60,
  h: 3600,
  d: daySeconds,
  w: 7 * daySeconds,
};

const units = [
  ['day', daySeconds],
  ['hour', 3600],
  ['minute', 60],
] as const;
/** Fewer seconds than this are told in seconds. */
const fewestInUnits = 100;
const inexactness = 0.025;

/** The address or network in an argument. @throws Fault `usage` */
export function addressIn(text: string): Address {
  const address = parseNetwork(text);
  if (!address) throw new Fault('usage', `not an address: ${quoted(text)}`);
  const meant = hostBitsIn(text);
  if (!meant) return address;
  const choice = `did you mean ${meant.network.text} or ${meant.address.text}?`;
  throw new Fault('usage', `${quoted(text)}: ${choice}`);
}

/** Shorter prefixes are more likely a mistake than meant. */
const shortestPrefix = { 4: 8, 6: 16 } as const;

/** The same for a command that refuses or lets in all of it. @throws Fault `usage` */
export function addressToChange(text: string, isForced: boolean): Address {
  const address = addressIn(text);
  const shortest = shortestPrefix[address.family];
  if (isForced || address.prefixLength >= shortest) return address;
  const what = `${address.text} is wider than /${shortest}`;
  throw new Fault('usage', `${what}: if all of it is meant, say --force`);
}

/** Seconds in `90`, `90s`, `15m`, `2h`, `1d`, `2w`; the only reader of such times. @throws Fault `usage` */
export function secondsIn(text: string, mostDays = longestDays): number {
  const [, count, unit = ''] = /^(\d+)([smhdw]?)$/.exec(text) ?? [];
  const seconds = Number(count) * (unitSeconds[unit] ?? Number.NaN);
  if (seconds >= 1 && seconds <= mostDays * daySeconds) return seconds;
  const what = `not a time between 1s and ${mostDays}d: ${quoted(text)}`;
  throw new Fault('usage', `${what}; write seconds, or a number with s, m, h, d or w, as in 90s`);
}

/** The same for an option that may be absent. @throws Fault `usage` */
export function secondsInOption(option: string | boolean | undefined): number | undefined {
  return option === undefined ? undefined : secondsIn(String(option));
}

/** An operator's words, capped; '' when there are none. */
export function reasonIn(option: string | boolean | undefined): string {
  return String(option ?? '').slice(0, longestReason);
}

/** The widest unit in which so many seconds are nearly whole, and how many of it they are. */
function inUnits(milliseconds: number): { readonly count: number; readonly unit: string } {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  for (const [unit, length] of units) {
    const count = Math.round(seconds / length);
    const isNear = Math.abs(count * length - seconds) <= seconds * inexactness;
    if (seconds >= fewestInUnits && isNear) return { count, unit };
  }
  return { count: seconds, unit: 'second' };
}

/** `87 seconds`, `90 minutes`: never negative, and in the widest unit in which it is nearly whole. */
export function duration(milliseconds: number): string {
  const { count, unit } = inUnits(milliseconds);
  return countedNoun(count, unit);
}

/** The same in a table: `87s`, `90m`, `7d`. */
export function shortDuration(milliseconds: number): string {
  const { count, unit } = inUnits(milliseconds);
  return `${count}${unit[0]}`;
}

/** `1 block`, `2 blocks`. */
export function countedNoun(count: number, noun: string, nouns = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : nouns}`;
}

/** `11/10/60s`, or `-` when no rate was exceeded. */
export function rateOf(block: Block): string {
  return block.seconds > 0 ? `${block.count}/${block.limit}/${block.seconds}s` : '-';
}

/** `blocked 2 minutes ago, 87 seconds left`. */
export function ageAndRest(block: Block, nowMs: number): string {
  const age = duration(nowMs - block.sinceMs);
  const rest = block.untilMs - nowMs;
  const end = rest > 0 ? `${duration(rest)} left` : `ended ${duration(-rest)} ago`;
  return `blocked ${age} ago, ${end}`;
}
