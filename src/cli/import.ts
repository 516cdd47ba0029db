/**
 * `ipthrottle import`: makes the blocks and allowances of files, by the daemon or without it.
 *
 * Guarantee: a mistake in a file keeps everything from being imported, and all mistakes are told. What
 * ends it in the middle is told together with how much was imported.
 */
import { readFileSync } from 'node:fs';
import { textLines } from '../commands/answer-text.ts';
import type { CommandOptions, Outcome } from '../commands/command.ts';
import { type Entry, entryLine } from '../commands/entries.ts';
import { type Imported, importedText } from '../commands/import-entries.ts';
import { countedNoun, secondsInOption } from '../commands/words.ts';
import { systemClock } from '../runtime/clock.ts';
import { exitCodes, Fault, reasonOf } from '../runtime/errors.ts';
import { printable, quoted } from '../runtime/log.ts';
import type { CliCommand, Invocation } from './cli-command.ts';
import { formatOf, formats, readEntries } from './import-formats.ts';

/** Both have lines imported; the first resolves to undefined when no daemon is running. */
export type Importers = {
  byDaemon(invocation: Invocation): Promise<Outcome | undefined>;
  offline(invocation: Invocation): Promise<Outcome>;
};

/** Characters of the lines in a call: the daemon takes calls that are some times as long. */
const sentAtOnce = 100_000;
const stdin = '-';

/** The entries of all files, allowances first. @throws Fault `usage` with every mistake. */
function readAll(files: readonly string[], options: CommandOptions) {
  const nowMs = systemClock.wallMs();
  const seconds = secondsInOption(options.for);
  const usualEnd = seconds === undefined ? undefined : nowMs + seconds * 1000;
  const entries: Entry[] = [];
  const mistakes: string[] = [];
  const leftOut: string[] = [];
  for (const file of files) {
    const text = textOf(file);
    const format = String(options.format ?? formatOf(text));
    if (!Object.hasOwn(formats, format)) {
      const known = Object.keys(formats).join(', ');
      throw new Fault('usage', `--format: not one of ${known}: ${quoted(format)}`);
    }
    const read = readEntries(text, format, nowMs, Boolean(options.force));
    const named = (what: string) => `${quoted(file)}: ${what}`;
    // One by one: there may be more than a call takes arguments.
    for (const mistake of read.mistakes) mistakes.push(named(mistake));
    for (const what of read.leftOut) leftOut.push(named(what));
    for (const entry of read.entries) {
      const untilMs = entry.kind === 'block' ? (entry.untilMs ?? usualEnd) : entry.untilMs;
      entries.push({ ...entry, untilMs });
    }
  }
  if (mistakes.length > 0) {
    const what = `nothing was imported: ${countedNoun(mistakes.length, 'mistake')}`;
    throw new Fault('usage', [what, ...mistakes].join('\n'));
  }
  const isAllowance = ({ kind }: Entry) => kind === 'allow';
  const ordered = [...entries.filter(isAllowance), ...entries.filter((each) => !isAllowance(each))];
  return { lines: ordered.map(entryLine), leftOut };
}

/** @throws Fault `usage` */
function textOf(file: string): string {
  try {
    return readFileSync(file === stdin ? 0 : file, 'utf8').replace(/^\ufeff/, '');
  } catch (error) {
    throw new Fault('usage', reasonOf(error), error);
  }
}

/** So many lines from `start` on that one call holds them. */
function someLines(lines: readonly string[], start: number): string[] {
  let [end, length] = [start, 0];
  while (end < lines.length && length < sentAtOnce) length += lines[end++]?.length ?? 0;
  return lines.slice(start, end);
}

/** On a terminal, in place of what was told before. */
function tellProgress(done: number, all: number): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(done < all ? `\rimported ${done} of ${all}` : '\r\x1b[K');
}

function sum(a: Imported, b: Imported): Imported {
  const told = new Set(a.leftOut);
  return {
    blocks: a.blocks + b.blocks,
    allowances: a.allowances + b.allowances,
    over: a.over + b.over,
    leftOut: [...a.leftOut, ...b.leftOut.filter((each) => !told.has(each))],
  };
}

/** Imports the lines call by call. @throws Fault that says how much was imported before. */
async function importAll(
  { byDaemon, offline }: Importers,
  invocation: Invocation,
  lines: readonly string[],
): Promise<{ readonly exit: number; readonly told: Imported }> {
  const options = { force: true, json: true };
  let told: Imported = { blocks: 0, allowances: 0, over: 0, leftOut: [] };
  let exit: number = exitCodes.done.code;
  for (let done = 0; done < lines.length; ) {
    const some = someLines(lines, done);
    const call = { ...invocation, arguments: some, options };
    let outcome: Outcome;
    try {
      const answer = await byDaemon(call);
      const rest = lines.slice(done);
      outcome = answer ?? (await offline({ ...call, arguments: rest }));
      done += answer ? some.length : rest.length;
      if (outcome.exit === exitCodes.operator.code) {
        throw new Fault('usage', textLines(outcome.lines).join(' '));
      }
    } catch (error) {
      tellProgress(1, 1);
      if (!(error instanceof Fault) || done === 0) throw error;
      throw new Fault(error.code, `${importedText(told)}, and then: ${error.detail}`, error);
    }
    told = sum(told, JSON.parse(textLines(outcome.lines).join('')) as Imported);
    exit = Math.max(exit, outcome.exit);
    tellProgress(done, lines.length);
  }
  return { exit, told };
}

export function importBy(importers: Importers): CliCommand {
  return {
    name: 'import',
    arguments: '[file...]',
    summary: 'make the blocks and allowances of files, or of stdin',
    options: [
      { flags: '--format <format>', summary: 'lines, json, crowdsec or fail2ban' },
      { flags: '--for <time>', summary: 'how long, for blocks without an end' },
      { flags: '--force', summary: 'also networks wider than /8, or /16 of IPv6' },
    ],
    choices: { format: Object.keys(formats) },
    async run(invocation) {
      const { arguments: files, options } = invocation;
      const { lines, leftOut } = readAll(files.length === 0 ? [stdin] : files, options);
      const { exit, told } = await importAll(importers, invocation, lines);
      for (const what of [...leftOut, ...told.leftOut]) {
        process.stderr.write(`ipthrottle: warning: ${printable(what)}\n`);
      }
      return { exit, lines: [importedText(told)] };
    },
  };
}
