/**
 * The admin's rules source with our refusals in front, as the bytes of a cdb.
 *
 * Refusals come first because servers use the first of equal keys. A source that our own compiler
 * takes whole is compiled here; one with foreign lines, or with IPv6 among what to refuse, goes to
 * the installed tcprules, verbatim, because only that one knows how its tcpserver wants them encoded.
 *
 * Guarantee: whom the source denies stays denied. A polite refusal says `allow`, so there it is a
 * silent one instead.
 *
 * It changes no file but temporary ones beside the cdb. Trouble is a Fault.
 */
import { spawnSync } from 'node:child_process';
import { BlockIndex } from '../core/block-index.ts';
import { errnoOf, Fault, reasonOf } from '../errors.ts';
import { readFile } from '../read-file.ts';
import { type CdbRecord, compileCdb } from './cdb.ts';
import { createAnew, removeQuietly, temporaryName } from './replace-file.ts';
import {
  addressOfKey,
  deniedBy,
  isDenial,
  isForeignKey,
  latin1,
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
  /** What tcpserver -x reads. */
  readonly cdb: string;
  /** The program for foreign lines; `tcprules` by default. */
  readonly tcprulesCommand?: string | undefined;
  /** What a polite refusal says; undefined: refuse in silence. */
  readonly message?: string | undefined;
};

const commandTimeoutMs = 10_000;
const mistakesShown = 10;
const outputShown = 300;

/** `keys` are what to refuse before anything the source says. */
export function compileRules(files: RulesFiles, keys: Iterable<string>): Uint8Array {
  const source = readSource(files.source);
  const rules = parseRules(source);
  if (rules.mistakes.length > 0) {
    throw new Fault('enforcer', mistakesText(files.source, rules.mistakes));
  }
  const refusalOf = refusals(files.message, rules);
  const refused = Array.from(keys, (key): Refused => ({ key, refusal: refusalOf(key) }));
  const isForeign = rules.foreign.length > 0 || refused.some(({ key }) => isForeignKey(key));
  return isForeign
    ? compileWithCommand(files, refused, source)
    : compileCdb([...refused.map(recordOf), ...rules.records]);
}

/** Whether the installed tcprules compiles IPv6 addresses and networks: it is given one of each. */
export function takesIPv6(files: RulesFiles): boolean {
  const output = temporaryName(`${files.cdb}.trial`);
  const temporary = temporaryName(`${files.cdb}.trying`);
  try {
    // tcprules would follow a link that somebody put there.
    createAnew(temporary);
    runTcprules(files, [output, temporary], latin1('2001:db8::1:deny\n2001:db8:1::/48:deny\n'));
    return true;
  } catch {
    return false;
  } finally {
    removeQuietly(output);
    removeQuietly(temporary);
  }
}

/** Whether the cdb may have keys that only its own tcprules can tell. */
export function mayHaveForeignKeys(files: RulesFiles): boolean {
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

type Refused = { readonly key: string; readonly refusal: Refusal };

function recordOf({ key, refusal }: Refused): CdbRecord {
  return [latin1(key), refusal.data];
}

/** How to refuse each key: politely where that is wanted and the source does not deny it. */
function refusals(message: string | undefined, rules: Rules): (key: string) => Refusal {
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
  const networks = new BlockIndex();
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

function compileWithCommand(
  files: RulesFiles,
  refused: readonly Refused[],
  source: Uint8Array,
): Uint8Array {
  const lines = refused.map(({ key, refusal }) => `${key}:${refusal.instructions}\n`).join('');
  const output = temporaryName(`${files.cdb}.compiled`);
  const temporary = temporaryName(`${files.cdb}.compiling`);
  try {
    createAnew(temporary);
    runTcprules(files, [output, temporary], Buffer.concat([latin1(lines), source]));
    return readFile(output);
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault('enforcer', `cannot read ${output}: ${reasonOf(error)}`, error);
  } finally {
    removeQuietly(output);
    removeQuietly(temporary);
  }
}

function runTcprules(files: RulesFiles, args: readonly string[], input: Uint8Array): void {
  const command = files.tcprulesCommand ?? 'tcprules';
  const { error, status, signal, stderr } = spawnSync(command, args, {
    input,
    stdio: ['pipe', 'ignore', 'pipe'],
    timeout: commandTimeoutMs,
  });
  if (status === 0) return;
  const ending = signal && errnoOf(error) !== 'ETIMEDOUT' ? `killed by ${signal}` : reasonOf(error);
  const why = status === null ? ending : `exit ${status}`;
  const said = JSON.stringify(stderr?.toString('latin1').trim().slice(0, outputShown) ?? '');
  const detail = `${command} refuses ${files.source}, with IPv6 or CIDR lines: ${why}, ${said}`;
  throw new Fault('enforcer', detail, error);
}
