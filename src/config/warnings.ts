/**
 * What a configuration may say and likely does not mean. Unlike a mistake it changes nothing.
 */
import { hostBitsIn } from '../core/address.ts';
import { coveredPatterns, matchesNothing } from '../core/covered-patterns.ts';
import type { Pattern } from '../core/pattern.ts';
import type { GroupNode } from './libconfig.ts';
import { type Mistakes, type Place, quotedValue } from './mistakes.ts';
import type { ValuesOf } from './schema.ts';

/** What rblsmtpd(1) shows of its text. */
const shownByRblsmtpd = 200;

/** Warns of a network that is written as an address in it. */
export function warnOfHostBits(
  where: string,
  text: string,
  place: Place,
  mistakes: Mistakes,
): void {
  const found = hostBitsIn(text);
  if (!found) return;
  const taken = `${quotedValue(text)} is taken as ${found.network.text}`;
  mistakes.warn(place, `${where}: ${taken}; write that, or ${found.address.text}`);
}

export type PlacedPattern = { readonly pattern: Pattern; readonly place: Place };

/** Warns of the limits of a class that no value can come to; `limits` are in their order. */
export function warnOfUnreachable(
  where: string,
  limits: readonly PlacedPattern[],
  addresses: boolean,
  mistakes: Mistakes,
): void {
  for (const { pattern, place } of limits) {
    if (!matchesNothing(pattern, addresses)) continue;
    const what = addresses ? 'no address in its usual spelling' : 'nothing';
    mistakes.warn(place, `${where}: ${quotedValue(pattern.text)} matches ${what}`);
  }
  const patterns = limits.map(({ pattern }) => pattern);
  for (const { index, by } of coveredPatterns(patterns, addresses)) {
    const [late, early] = [limits[index], limits[by]];
    if (!late || !early) continue;
    const { file, line } = early.place;
    const at = file === late.place.file ? `on line ${line}` : `in ${file} on line ${line}`;
    const [text, first] = [late, early].map(({ pattern }) => quotedValue(pattern.text));
    const why = `${first} ${at} comes first and matches all that it does`;
    mistakes.warn(late.place, `${where}: ${text} is never reached: ${why}`);
  }
}

/** Warns of a message that clients of tcpserver do not see whole. */
export function warnOfLongMessage(
  node: GroupNode,
  { mode, message }: ValuesOf<'blocking'>,
  mistakes: Mistakes,
): void {
  const place = node.settings.get('message')?.place;
  // See politeRefusal: a blank is put in front of a hyphen.
  const length = message.length + (message.startsWith('-') ? 1 : 0);
  if (!place || mode !== 'polite' || length <= shownByRblsmtpd) return;
  const shown = `under tcpserver rblsmtpd shows ${shownByRblsmtpd} of ${length} characters`;
  mistakes.warn(place, `blocking.message is too long: ${shown}`);
}
