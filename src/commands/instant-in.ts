/**
 * Reads an instant as a person gives it: so long ago, or a date with or without a time, in the zone
 * of this process unless it says which.
 */
import { Fault } from '../runtime/errors.ts';
import { quoted } from '../runtime/log.ts';
import { secondsIn } from './words.ts';

const date = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?) ?(Z|[+-]\d\d:?\d\d)?)?$/;
const ago = /^\d+[smhdw]?$/;
const longestDays = 36_500;

/** `2h`, `2026-01-31`, `2026-01-31T08:05:46+01:00` as wall clock milliseconds. @throws Fault `usage` */
export function instantIn(text: string, nowMs: number): number {
  if (ago.test(text)) return nowMs - secondsIn(text, longestDays) * 1000;
  const [, day = '', time = '00:00', zone = ''] = date.exec(text) ?? [];
  const ms = Date.parse(`${day}T${time}${zone}`);
  if (Number.isFinite(ms)) return ms;
  const what = `not an instant: ${quoted(text)}`;
  throw new Fault(
    'usage',
    `${what}; write 2h or 7d for so long ago, or 2026-01-31, or 2026-01-31T08:05`,
  );
}

/** The same of an option; undefined when it is not given. @throws Fault `usage` */
export function instantInOption(
  option: string | boolean | undefined,
  nowMs: number,
): number | undefined {
  return option === undefined ? undefined : instantIn(String(option), nowMs);
}
