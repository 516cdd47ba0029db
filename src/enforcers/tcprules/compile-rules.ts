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

import type { Address } from '../../core/address.ts';
import { PrefixMap } from '../../core/prefix-map.ts';
import { identityOf } from '../../files/file-identity.ts';
import { readFile, reading } from '../../files/read-file.ts';
import { Fault, reasonOf } from '../../runtime/errors.ts';
import { doNow, slowly, type Work } from '../../runtime/work.ts';
import { compileCdb, latin1, type NewRecord } from '../cdb/cdb.ts';
import { type Lookups, writtenKeys } from './lookups.ts';
import { type InstalledTcprules, runTcprules } from './run-tcprules.ts';
import {
  addressOfKey,
  deniedBy,
  isIPv6Key,
  lookupKeys,
  type Mistake,
  noteDecisions,
  type OtherLines,
  politeRefusal,
  type Refusal,
  readRules,
  ruleLinesIn,
  silentRefusal,
} from './tcprules.ts';

/** `source` are the admin's rules, as tcprules(1) reads them; `cdb` is what tcpserver -x reads. */
export type RulesFiles = InstalledTcprules & {
  /** What a polite refusal says; undefined: refuse in silence. */
  readonly message?: string | undefined;
};

const mistakesShown = 10;
/** How often a source is read that changes meanwhile. */
const maxReadTries = 5;
/** How many lines are written, or looked at for denials, between two pauses. */
const linesInStep = 128;

/** `keys` of `keyOf` are what to refuse before anything the source says, where that is possible. */
export function* compileRules(
  files: RulesFiles,
  keys: readonly string[],
  lookups: Lookups,
): Work<Uint8Array> {
  const source = yield* readSource(files.source);
  const text = source.toString('latin1');
  const { others, refusalOf } = yield* refusals(files.message, text);
  const isSourcePlain = others.foreign.length + others.mistakes.length === 0;
  // Each key is then written as it is.
  const areKeysPlain = !lookups.mappedIPv4 && !keys.some(isIPv6Key);
  if (isSourcePlain && areKeysPlain) return yield* compileCdb(recordsOf(keys, refusalOf, text));
  try {
    const lines = yield* linesOf(keys, lookups, refusalOf);
    return yield* runTcprules(files, Buffer.concat([lines, source]));
  } catch (error) {
    if (others.mistakes.length === 0 || !(error instanceof Fault)) throw error;
    throw new Fault('enforcer', `${error.detail}; ${mistakesText(files.source, others.mistakes)}`);
  }
}

/** Whether the cdb may have keys in an encoding that only its own tcprules knows. */
export function mayHaveIPv6Keys(files: RulesFiles): boolean {
  try {
    return doNow(readRules(readFile(files.source).toString('latin1'))).foreign.length > 0;
  } catch {
    return false;
  }
}

/** Reads again what was changed meanwhile, which may be half old and half new. */
function* readSource(path: string): Work<Buffer> {
  try {
    for (let tries = 0; tries < maxReadTries; tries += 1) {
      const before = identityOf(path);
      const source = yield* slowly(reading(path));
      if (identityOf(path) === before) return source;
    }
  } catch (error) {
    throw new Fault('enforcer', `cannot read ${path}: ${reasonOf(error)}`, error);
  }
  throw new Fault('enforcer', `cannot read ${path}: it changes again and again`);
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
  source: string,
): Generator<NewRecord | undefined> {
  for (const key of keys) yield [key, refusalOf(key).data];
  for (const line of ruleLinesIn(source)) {
    if (!line) yield undefined;
    else if ('keys' in line) for (const key of line.keys) yield [key, line.data];
  }
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

/**
 * How to refuse each key: politely where that is wanted and the source does not deny it. `others`
 * are the lines of the source that are no rules.
 */
function* refusals(
  message: string | undefined,
  source: string,
): Work<{ readonly others: OtherLines; readonly refusalOf: RefusalOf }> {
  if (message === undefined) {
    return { others: yield* readRules(source), refusalOf: () => silentRefusal };
  }
  const decides = new Map<string, boolean>();
  const others = yield* readRules(source, noteDecisions(decides));
  const isDeniedElsewhere = yield* denials(others);
  const polite = politeRefusal(message);
  const refusalOf = (key: string) => {
    const address = addressOfKey(key);
    if (!address || isDeniedElsewhere(address)) return silentRefusal;
    const decisive = lookupKeys(address).find((each) => decides.has(each));
    return decisive !== undefined && decides.get(decisive) ? silentRefusal : polite;
  };
  return { others, refusalOf };
}

/** Whether one of the lines may deny an address. */
function* denials({ foreign, mistakes }: OtherLines): Work<(address: Address) => boolean> {
  const networks = new PrefixMap();
  for (const [index, line] of [...foreign, ...mistakes].entries()) {
    const address = deniedBy(line);
    // It may be anybody, and a silent refusal is never wrong.
    if (address === 'unknown') return () => true;
    if (address) networks.set({ address });
    if (index % linesInStep === 0) yield;
  }
  return (address) => networks.find(address) !== undefined;
}
