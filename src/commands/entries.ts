/**
 * Blocks and allowances as lines of text, as they are exported and imported:
 *
 *     block 192.0.2.1 2026-01-31T08:05:46Z spam run
 *     allow 198.51.100.0/24 - a partner
 *
 * Guarantee: the line of an entry is read as that entry, whatever its reason.
 */
import type { Address } from '../core/address.ts';
import { Fault } from '../runtime/errors.ts';
import { quoted } from '../runtime/log.ts';
import { addressToChange, longestDays, reasonIn } from './words.ts';

export type Entry = {
  readonly kind: 'block' | 'allow';
  readonly address: Address;
  /** Wall clock milliseconds; undefined: for the usual time, or an allowance until it is taken back. */
  readonly untilMs: number | undefined;
  readonly reason: string;
};

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const plainReason = /^[!#-~][ -~]*$/;

/** To the second. */
export function instantText(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+/, '');
}

/** An instant as `instantText` writes it, or one of `toISOString`. @throws Fault `usage` */
export function instantIn(text: string): number {
  const milliseconds = instant.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(milliseconds)) return milliseconds;
  throw new Fault('usage', `not an instant such as 2026-01-31T08:05:46Z: ${quoted(text)}`);
}

export function entryLine({ kind, address, untilMs, reason }: Entry): string {
  const until = untilMs === undefined ? '-' : instantText(untilMs);
  const isPlain = plainReason.test(reason) && reason.trim() === reason;
  const words = isPlain || reason === '' ? reason : JSON.stringify(reason);
  return `${kind} ${address.text} ${until} ${words}`.trimEnd();
}

/** The entry in a line that is read at this instant; an address alone is a block. @throws Fault `usage` */
export function entryIn(line: string, isForced: boolean, nowMs: number): Entry {
  const entry = parsed(line, isForced);
  if ((entry.untilMs ?? 0) <= nowMs + longestDays * 86_400_000) return entry;
  const until = instantText(entry.untilMs ?? 0);
  throw new Fault('usage', `ends more than ${longestDays} days from now: ${until}`);
}

function parsed(line: string, isForced: boolean): Entry {
  const [, first = '', rest = ''] = /^(\S*)\s*(.*)$/s.exec(line.trim()) ?? [];
  if (first !== 'block' && first !== 'allow') {
    if (rest !== '') throw new Fault('usage', `neither block nor allow: ${quoted(first)}`);
    return { kind: 'block', ...entryWords(first, isForced) };
  }
  return { kind: first, ...entryWords(rest, isForced) };
}

function entryWords(text: string, isForced: boolean): Omit<Entry, 'kind'> {
  const [, address = '', until = '-', reason = ''] =
    /^(\S+)(?:\s+(\S+)(?:\s+(.*))?)?$/s.exec(text) ?? [];
  return {
    address: addressToChange(address, isForced),
    untilMs: until === '-' ? undefined : instantIn(until),
    reason: reasonIn(reason.startsWith('"') ? quotedReason(reason) : reason),
  };
}

function quotedReason(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch (error) {
    throw new Fault('usage', `a reason in quotes is not JSON: ${quoted(text)}`, error);
  }
}
