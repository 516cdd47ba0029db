/**
 * Which patterns of a class no value can come to: an earlier one matches all that they match, or
 * they match nothing at all.
 *
 * Guarantee: a pattern that is said to be covered is. One that only several others together cover is
 * not found, and neither is one behind more than `maxGlobs` globs.
 */
import { type Address, parseNetwork } from './address.ts';
import { FirstNetwork } from './first-network.ts';
import { type Atom, matchAtoms, nothing, type Pattern, parseGlob, special } from './pattern.ts';

/** Each pattern is compared with every one of so many. */
const maxGlobs = 100;
const groupBits = 16;

/** A glob that matches at least all addresses of the network, in the canonical spelling. */
function globAround({ family, octets, prefixLength, text }: Address): string {
  if (!text.includes('/')) return text;
  if (family === 4) {
    const whole = octets.slice(0, Math.floor(prefixLength / 8));
    return whole.length > 0 ? `${whole.join('.')}.*` : '*.*';
  }
  const groups = text.split(':').slice(0, Math.floor(prefixLength / groupBits));
  const end = groups.findIndex((group) => /^(?:0?|.*\/.*)$/.test(group));
  // Where a zero group may be, so may `::`.
  const whole = end < 0 ? groups : groups.slice(0, end);
  return whole.length > 0 ? `${whole.join(':')}:*` : '*:*';
}

/** A network with at least all addresses that the glob matches. */
function networkAround(glob: string): Address | undefined {
  const [octets] = /^(?:\d+\.){1,3}/.exec(glob) ?? [];
  if (octets !== undefined) {
    const count = octets.split('.').length - 1;
    return parseNetwork(`${octets}${'0.'.repeat(3 - count)}0/${8 * count}`);
  }
  const [groups] = /^(?:[0-9a-f]{1,4}:){1,7}/.exec(glob) ?? [];
  if (groups === undefined) return undefined;
  return parseNetwork(`${groups}:/${groupBits * (groups.split(':').length - 1)}`);
}

/** Whether an atom of an earlier glob matches all that one of a later glob does. */
function isWider(early: Exclude<Atom, { kind: 'star' }>, late: Atom): boolean {
  if (late.kind === 'star') return false;
  if (early.kind === 'any') return true;
  if (late.kind === 'any') return false;
  if (late.literal !== undefined) return early.matches(late.literal);
  return early.source === late.source;
}

/** The patterns that are covered, with the earlier one that does, by their indexes. */
export function coveredPatterns(
  patterns: readonly Pattern[],
  addresses: boolean,
): { readonly index: number; readonly by: number }[] {
  const texts = new Map<string, number>();
  const networks = new FirstNetwork(patterns.map(({ network }) => network));
  const globs: { readonly atoms: readonly Atom[]; readonly index: number }[] = [];
  return patterns.flatMap(({ text, network }, index) => {
    const around = network ?? (addresses ? networkAround(text) : undefined);
    const first = (around && networks.find(around)) ?? index;
    const known = texts.get(text) ?? (first < index ? first : undefined);
    if (known !== undefined) return [{ index, by: known }];
    const isGlob = !network && special.test(text);
    // Usually only the last is a glob: then no other is parsed.
    const atoms = isGlob || globs.length > 0 ? parseGlob(network ? globAround(network) : text) : [];
    const by = globs.find((early) => matchAtoms(early.atoms, atoms, isWider))?.index;
    if (by !== undefined) return [{ index, by }];
    if (isGlob && globs.length < maxGlobs) globs.push({ atoms, index });
    if (!network) texts.set(text, index);
    return [];
  });
}

const longestAddress = 39;
/** What no canonical spelling has, in a glob without brackets and backslashes. */
const noAddress = [
  /[^0-9a-f.:*?]/,
  // A leading zero, an octet over 255, a group that is too long.
  /(?:^|[.:])0[0-9a-f]/,
  /(?:^|\.)(?:25[6-9]|2[6-9]\d|[3-9]\d\d)\./,
  /\.(?:25[6-9]|2[6-9]\d|[3-9]\d\d)(?:\.|$)/,
  /[0-9a-f]{5}|\.[0-9a-f]{4}|[0-9a-f]{4}\./,
  /\..*[a-f:]|[a-f:].*\./,
  /(?:\..*){4}|(?::.*){8}/,
];

/** Whether it can match no value, or in an address class no address. */
export function matchesNothing({ text, network }: Pattern, addresses: boolean): boolean {
  if (network) return false;
  if (parseGlob(text).includes(nothing)) return true;
  if (!addresses || /[[\\]/.test(text)) return false;
  // Short, whatever the text: some of these take long otherwise.
  const short = text.replace(/\*+/g, '*');
  const isTooLong = short.replaceAll('*', '').length > longestAddress;
  return isTooLong || noAddress.some((wrong) => wrong.test(short));
}
