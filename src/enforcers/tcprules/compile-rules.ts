/**
 * The admin's rules source with our refusals in front, as the bytes of a cdb.
 *
 * Refusals come first because servers use the first of equal keys. A source that our own compiler
 * takes whole is compiled here; one with other lines, or with IPv6 among what to refuse, goes to
 * the installed tcprules, verbatim, because only that one knows what its tcpserver makes of them. So
 * a mistake is what both refuse.
 *
 * Guarantee: an address that the source denies stays denied. A polite refusal says `allow`, so such
 * an address gets a silent one instead.
 *
 * It changes only temporary files beside the cdb. Trouble is a Fault.
 */

import { PrefixMap } from '../../core/prefix-map.ts';
import { readFile } from '../../files/read-file.ts';
import { Fault, reasonOf } from '../../runtime/errors.ts';
import type { Work } from '../../runtime/work.ts';
import { compileCdb, latin1, type NewRecord } from '../cdb/cdb.ts';
import { type Lookups, writtenKeys } from './lookups.ts';
import { type InstalledTcprules, runTcprules } from './run-tcprules.ts';
import {
  addressOfKey,
  deniedBy,
  isDenial,
  isIPv6Key,
  lookupKeys,
  type Mistake,
  parseRules,
  politeRefusal,
  type Refusal,
  type Rules,
  silentRefusal,
} from './tcprules.ts';

/** `source` are the admin's rules, as tcprules(1) reads them; `cdb` is what tcpserver -x reads. */
export type RulesFiles = InstalledTcprules & {
  /** What a polite refusal says; undefined: refuse in silence. */
  readonly message?: string | undefined;
};

const mistakesShown = 10;
/** How many lines are written between two pauses. */
const linesInStep = 128;

/** `keys` of `keyOf` are what to refuse before anything the source says, where that is possible. */
export function* compileRules(
  files: RulesFiles,
  keys: readonly string[],
  lookups: Lookups,
): Work<Uint8Array> {
  const source = readSource(files.source);
  const rules = parseRules(source);
  const refusalOf = refusals(files.message, rules);
  const isSourcePlain = rules.foreign.length + rules.mistakes.length === 0;
  // Each key is then written as it is.
  const areKeysPlain = !lookups.mappedIPv4 && !keys.some(isIPv6Key);
  if (isSourcePlain && areKeysPlain) return yield* compileCdb(recordsOf(keys, refusalOf, rules));
  try {
    const lines = yield* linesOf(keys, lookups, refusalOf);
    return yield* runTcprules(files, Buffer.concat([lines, source]));
  } catch (error) {
    if (rules.mistakes.length === 0 || !(error instanceof Fault)) throw error;
    throw new Fault('enforcer', `${error.detail}; ${mistakesText(files.source, rules.mistakes)}`);
  }
}

/** Whether the cdb may have keys in an encoding that only its own tcprules knows. */
export function mayHaveIPv6Keys(files: RulesFiles): boolean {
  try {
    return parseRules(readSource(files.source)).foreign.length > 0;
  } catch {
    return false;
  }
}

function readSource(path: string): Uint8Array {
  try {
    return readFile(path);
  } catch (error) {
    throw new Fault('enforcer', `cannot read ${path}: ${reasonOf(error)}`, error);
  }
}

function mistakesText(path: string, mistakes: readonly Mistake[]): string {
  const shown = mistakes
    .slice(0, mistakesShown)
    .map(({ line, what }) => `${path}:${line}: ${what}`);
  const left = mistakes.length - shown.length;
  return [...shown, ...(left > 0 ? [`and ${left} more`] : [])].join('; ');
}

type RefusalOf = (key: string) => Refusal;

function* recordsOf(
  keys: readonly string[],
  refusalOf: RefusalOf,
  rules: Rules,
): Generator<NewRecord> {
  for (const key of keys) yield [key, refusalOf(key).data];
  yield* rules.records;
}

function* linesOf(
  keys: readonly string[],
  lookups: Lookups,
  refusalOf: RefusalOf,
): Work<Uint8Array> {
  const input: Uint8Array[] = [];
  for (let index = 0; index < keys.length; index += linesInStep) {
    const lines = keys.slice(index, index + linesInStep).flatMap((key) => {
      const { instructions } = refusalOf(key);
      return writtenKeys(key, lookups).map((written) => `${written}:${instructions}\n`);
    });
    input.push(latin1(lines.join('')));
    yield;
  }
  return Buffer.concat(input);
}

/** How to refuse each key: politely where that is wanted and the source does not deny it. */
function refusals(message: string | undefined, rules: Rules): RefusalOf {
  if (message === undefined) return () => silentRefusal;
  const polite = politeRefusal(message);
  const isDenied = denials(rules);
  return (key) => (isDenied(key) ? silentRefusal : polite);
}

function denials({ records, foreign, mistakes }: Rules): (key: string) => boolean {
  const decides = new Map<string, boolean>();
  for (const [key, data] of records) {
    const text = Buffer.from(key).toString('latin1');
    if (!decides.has(text)) decides.set(text, isDenial(data));
  }
  const networks = new PrefixMap();
  for (const line of [...foreign, ...mistakes]) {
    const address = deniedBy(line);
    // It may be anybody, and a silent refusal is never wrong.
    if (address === 'unknown') return () => true;
    if (address) networks.set({ address });
  }
  return (key) => {
    const address = addressOfKey(key);
    if (!address || networks.find(address)) return true;
    return (
      lookupKeys(address)
        .map((each) => decides.get(each))
        .find((is) => is !== undefined) ?? false
    );
  };
}
