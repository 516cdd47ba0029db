/**
 * Reads `limits`: classes, and in each a list of `("pattern", seconds, count)` or, for several
 * windows, `("pattern", (seconds, count), (seconds, count))`.
 */
import { fold } from '../core/fold.ts';
import type { Limit, Rate } from '../core/limits.ts';
import { addressPattern, globPattern } from '../core/pattern.ts';
import { camelCased } from './camel-case.ts';
import type { LimitClass } from './config.ts';
import { type ConfigNode, type GroupNode, hasBroken, type SequenceNode } from './libconfig.ts';
import { type Mistakes, quotedValue } from './mistakes.ts';
import type { ClassTraits } from './read-classes.ts';
import { defaultsOf } from './schema.ts';
import { readInt, shown } from './value-kinds.ts';
import { type PlacedPattern, warnOfHostBits, warnOfUnreachable } from './warnings.ts';

/** The traits of a class that `classes` does not mention. */
export const plainClass: ClassTraits = camelCased(defaultsOf('class'));

/** 31 days: a longer window would outlive any counter. */
export const longestWindow = 2_678_400;
/** A counter remembers up to twice as many hits of one value, 8 bytes each. */
export const highestCount = 1_000_000;

const shape = '("pattern", seconds, count)';

function isSequence(node: ConfigNode | undefined): node is SequenceNode {
  return node?.kind === 'list' || node?.kind === 'array';
}

/** One class while it is read. */
type Reader = {
  readonly name: string;
  readonly addresses: boolean;
  readonly isFolded: boolean;
  readonly mistakes: Mistakes;
  /** The rates of all limits; those that are alike are one, so that many limits stay small. */
  readonly rates: Map<string, readonly Rate[]>;
};

function readNumber(
  { name, mistakes }: Reader,
  what: string,
  node: ConfigNode,
  min: number,
  max: number,
): number | undefined {
  const value = readInt(node, min, max);
  if (value === undefined && !hasBroken(node)) {
    const meant = min < 0 ? `${min} (unlimited)` : min;
    const wanted = `a whole number from ${meant} to ${max}`;
    mistakes.add(node.place, `limits.${name}: ${what} must be ${wanted}, not ${shown(node)}`);
  }
  return value;
}

function readRate(reader: Reader, [first, second]: readonly ConfigNode[]): Rate | undefined {
  if (!first || !second) return undefined;
  const seconds = readNumber(reader, 'seconds', first, 1, longestWindow);
  const count = readNumber(reader, 'count', second, -1, highestCount);
  return seconds === undefined || count === undefined ? undefined : { seconds, count };
}

/** The pairs of seconds and count after the pattern; undefined when they are malformed. */
function pairsIn(rest: readonly ConfigNode[]): (readonly ConfigNode[])[] | undefined {
  const [first] = rest;
  if (first && !isSequence(first)) return rest.length === 2 ? [rest] : undefined;
  const pairs = rest.filter(isSequence).map(({ items }) => items);
  const areSound = pairs.length === rest.length && pairs.every(({ length }) => length === 2);
  return areSound && pairs.length > 0 ? pairs : undefined;
}

function repeatedSeconds(rates: readonly (Rate | undefined)[]): number | undefined {
  const seconds = rates.map((rate) => rate?.seconds);
  return seconds.find((each, index) => each !== undefined && seconds.indexOf(each) < index);
}

function readLimit(reader: Reader, node: ConfigNode): (Limit & PlacedPattern) | undefined {
  const { name, addresses, isFolded, mistakes } = reader;
  if (node.kind === 'broken') return undefined;
  const [patternNode, ...rest] = isSequence(node) ? node.items : [];
  const pairs = pairsIn(rest);
  if (!patternNode || !pairs) {
    if (hasBroken(node)) return undefined;
    const found = isSequence(node) ? `a ${node.kind} of ${node.items.length}` : shown(node);
    mistakes.add(node.place, `limits.${name}: a limit must be ${shape}, not ${found}`);
    return undefined;
  }
  const rates = pairs.map((pair) => readRate(reader, pair));
  const repeated = repeatedSeconds(rates);
  if (repeated !== undefined) {
    mistakes.add(node.place, `limits.${name}: two windows of ${repeated} seconds for one pattern`);
  }
  if (patternNode.kind === 'broken') return undefined;
  if (patternNode.kind !== 'string') {
    const wanted = 'the pattern must be a string';
    mistakes.add(patternNode.place, `limits.${name}: ${wanted}, not ${shown(patternNode)}`);
    return undefined;
  }
  const written = isFolded ? fold(patternNode.value) : patternNode.value;
  const pattern = (addresses ? addressPattern : globPattern)(written);
  if (!pattern) {
    const text = quotedValue(patternNode.value);
    mistakes.add(patternNode.place, `limits.${name}: ${text} is no address, network or pattern`);
    return undefined;
  }
  if (addresses) warnOfHostBits(`limits.${name}`, patternNode.value, patternNode.place, mistakes);
  if (!rates.every((rate) => rate !== undefined)) return undefined;
  const key = JSON.stringify(rates);
  const shared = reader.rates.get(key) ?? rates;
  reader.rates.set(key, shared);
  return { pattern, rates: shared, place: patternNode.place };
}

/** The classes of `limits` with their traits; in `addressClasses`, patterns are of addresses. */
export function readLimits(
  node: GroupNode,
  addressClasses: ReadonlySet<string>,
  traits: ReadonlyMap<string, ClassTraits>,
  mistakes: Mistakes,
): Map<string, LimitClass> {
  const classes = new Map<string, LimitClass>();
  for (const { name, value } of node.settings.values()) {
    const addresses = addressClasses.has(name);
    const isFolded = !addresses && (traits.get(name)?.fold ?? false);
    const reader = { name, addresses, isFolded, mistakes, rates: new Map() };
    const items = value.kind === 'list' ? value.items : [];
    const limits = items
      .map((item) => readLimit(reader, item))
      .filter((limit) => limit !== undefined);
    warnOfUnreachable(`limits.${name}`, limits, addresses, mistakes);
    classes.set(name, {
      ...plainClass,
      ...traits.get(name),
      name,
      addresses,
      limits: limits.map(({ pattern, rates }) => ({ pattern, rates })),
    });
    if (value.kind !== 'list' && value.kind !== 'broken') {
      mistakes.add(value.place, `limits.${name} must be a list of ${shape}, not ${shown(value)}`);
    }
  }
  return classes;
}
