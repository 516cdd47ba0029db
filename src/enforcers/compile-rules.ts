/**
 * The admin's rules source with our refusals in front, as the bytes of a cdb.
 *
 * Refusals come first because servers use the first of equal keys. A source that our own compiler
 * takes whole is compiled here; one with foreign lines goes to the installed tcprules, verbatim,
 * because only that one knows how its tcpserver wants them encoded.
 *
 * It changes no file but temporary ones beside the cdb. Trouble is a Fault.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { errnoOf, Fault, reasonOf } from '../errors.ts';
import { type CdbRecord, compileCdb } from './cdb.ts';
import { removeQuietly, temporaryName } from './replace-file.ts';
import { denyData, latin1, type Mistake, parseRules } from './tcprules.ts';

export type RulesFiles = {
  /** The admin's rules, as tcprules(1) reads them. */
  readonly source: string;
  /** What tcpserver -x reads. */
  readonly cdb: string;
  /** The program for foreign lines; `tcprules` by default. */
  readonly tcprulesCommand?: string | undefined;
};

const commandTimeoutMs = 10_000;
const mistakesShown = 10;
const outputShown = 300;

/** `keys` are what to refuse before anything the source says. */
export function compileRules(files: RulesFiles, keys: Iterable<string>): Uint8Array {
  const source = readSource(files.source);
  const { records, foreign, mistakes } = parseRules(source);
  if (mistakes.length > 0) throw new Fault('enforcer', mistakesText(files.source, mistakes));
  return foreign.length > 0
    ? compileWithCommand(files, keys, source)
    : compileCdb([...refusals(keys), ...records]);
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
    return readFileSync(path);
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

function* refusals(keys: Iterable<string>): Generator<CdbRecord> {
  for (const key of keys) yield [latin1(key), denyData];
}

function compileWithCommand(
  files: RulesFiles,
  keys: Iterable<string>,
  source: Uint8Array,
): Uint8Array {
  const refused = Array.from(keys, (key) => `${key}:deny\n`).join('');
  const output = temporaryName(`${files.cdb}.compiled`);
  const temporary = temporaryName(`${files.cdb}.compiling`);
  try {
    runTcprules(files, [output, temporary], Buffer.concat([latin1(refused), source]));
    return readFileSync(output);
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
  const detail = `${command} refuses ${files.source}, which has IPv6 or CIDR lines: ${why}, ${said}`;
  throw new Fault('enforcer', detail, error);
}
