/**
 * The admin's rules source with our refusals in front, as the bytes of a cdb.
 *
 * Refusals come first because servers use the first of equal keys. A source that our own compiler
 * understands is compiled here. With foreign lines or blocked IPv6 addresses, it goes verbatim to
 * the installed tcprules, which alone knows how its tcpserver wants them encoded.
 *
 * Guarantee: an address that the source denies stays denied. A polite refusal says `allow`, so such
 * an address gets a silent one instead.
 *
 * It changes only temporary files beside the cdb. Trouble is a Fault.
 */

import { PrefixMap } from '../../core/prefix-map.ts';
import { readFile, readFileLater } from '../../files/read-file.ts';
import { createAnew, removeQuietly, temporaryName } from '../../files/replace-file.ts';
import { Fault, reasonOf } from '../../runtime/errors.ts';
import { running } from '../../runtime/run-command.ts';
import { slowly, type Work } from '../../runtime/work.ts';
import { compileCdb, latin1, type NewRecord } from '../cdb/cdb.ts';
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

export type RulesFiles = {
  /** The admin's rules, as tcprules(1) reads them. */
  readonly source: string;
  /** The file that tcpserver -x reads. */
  readonly cdb: string;
  /** The program for foreign lines; `tcprules` by default. */
  readonly tcprulesCommand?: string | undefined;
  /** The text of a polite refusal; undefined to refuse in silence. */
  readonly message?: string | undefined;
};

const commandTimeoutMs = 10_000;
const mistakesShown = 10;
const outputShown = 300;
/** Lines written between two pauses. */
const linesInStep = 128;

/** `keys` are refused whatever the source says. */
export function* compileRules(files: RulesFiles, keys: readonly string[]): Work<Uint8Array> {
  const source = readSource(files.source);
  const rules = parseRules(source);
  if (rules.mistakes.length > 0) {
    throw new Fault('enforcer', mistakesText(files.source, rules.mistakes));
  }
  const refusalOf = refusals(files.message, rules);
  const isForeign = rules.foreign.length > 0 || keys.some(isIPv6Key);
  return isForeign
    ? yield* compileWithCommand(files, keys, refusalOf, source)
    : yield* compileCdb(recordsOf(keys, refusalOf, rules));
}

/** Whether the installed tcprules compiles an IPv6 address and an IPv6 network. */
export function* takesIPv6(files: RulesFiles): Work<boolean> {
  const output = temporaryName(`${files.cdb}.trial`);
  const temporary = temporaryName(`${files.cdb}.trying`);
  try {
    // tcprules would follow a planted link.
    createAnew(temporary);
    const lines = latin1('2001:db8::1:deny\n2001:db8:1::/48:deny\n');
    yield* runTcprules(files, [output, temporary], lines);
    return true;
  } catch {
    return false;
  } finally {
    removeQuietly(output);
    removeQuietly(temporary);
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

/** How to refuse each key: politely if there is a message and the source does not deny the key. */
function refusals(message: string | undefined, rules: Rules): RefusalOf {
  if (message === undefined) return () => silentRefusal;
  const polite = politeRefusal(message);
  const isDenied = denials(rules);
  return (key) => (isDenied(key) ? silentRefusal : polite);
}

function denials({ records, foreign }: Rules): (key: string) => boolean {
  const decides = new Map<string, boolean>();
  for (const [key, data] of records) {
    const text = Buffer.from(key).toString('latin1');
    if (!decides.has(text)) decides.set(text, isDenial(data));
  }
  const networks = new PrefixMap();
  for (const line of foreign) {
    const address = deniedBy(line);
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

function* compileWithCommand(
  files: RulesFiles,
  keys: readonly string[],
  refusalOf: RefusalOf,
  source: Uint8Array,
): Work<Uint8Array> {
  const input: Uint8Array[] = [];
  for (let index = 0; index < keys.length; index += linesInStep) {
    const lines = keys
      .slice(index, index + linesInStep)
      .map((key) => `${key}:${refusalOf(key).instructions}\n`);
    input.push(latin1(lines.join('')));
    yield;
  }
  const output = temporaryName(`${files.cdb}.compiled`);
  const temporary = temporaryName(`${files.cdb}.compiling`);
  try {
    createAnew(temporary);
    yield* runTcprules(files, [output, temporary], Buffer.concat([...input, source]));
    return yield* slowly({ now: () => readFile(output), later: () => readFileLater(output) });
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault('enforcer', `cannot read ${output}: ${reasonOf(error)}`, error);
  } finally {
    removeQuietly(output);
    removeQuietly(temporary);
  }
}

function* runTcprules(files: RulesFiles, args: readonly string[], input: Uint8Array): Work<void> {
  const command = files.tcprulesCommand ?? 'tcprules';
  const run = { command, args, input, timeoutMs: commandTimeoutMs };
  const { why, said } = yield* slowly(running(run));
  if (why === undefined) return;
  const words = JSON.stringify(said.trim().slice(0, outputShown));
  const detail = `${command} refuses ${files.source}, with IPv6 or CIDR lines: ${why}, ${words}`;
  throw new Fault('enforcer', detail);
}
