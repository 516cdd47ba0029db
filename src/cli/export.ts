/** `ipthrottle export`: the blocks and the operators' allowances, for `import`, here or elsewhere. */
import { textLines } from '../commands/answer-text.ts';
import type { CommandOptions, Outcome } from '../commands/command.ts';
import { type Entry, entryIn, entryLine, instantText } from '../commands/entries.ts';
import { systemClock } from '../runtime/clock.ts';
import { exitCodes, Fault } from '../runtime/errors.ts';
import { quoted } from '../runtime/log.ts';
import type { CliCommand, Invocation } from './cli-command.ts';

/** Has a command of the table carried out, by the daemon or without it. */
export type Run = (name: string, invocation: Invocation) => Promise<Outcome>;

/** What `list --json` and `allow list --json` print of each. */
type Listed = {
  readonly address: string;
  readonly until: string | null;
  readonly reason: string;
  readonly source: string;
};

type Writer = (entries: readonly Entry[]) => string[];

const writers: Readonly<Record<string, Writer>> = {
  lines: (entries) => entries.map(entryLine),
  json: (entries) => [JSON.stringify(entries.map(entryJson))],
  crowdsec: (entries) => [JSON.stringify(blocksIn(entries).map(decision))],
  addresses: (entries) => blocksIn(entries).map(({ address }) => address.text),
};

function blocksIn(entries: readonly Entry[]): Entry[] {
  return entries.filter(({ kind }) => kind === 'block');
}

function entryJson({ kind, address, untilMs, reason }: Entry) {
  const until = untilMs === undefined ? null : instantText(untilMs);
  return { kind, address: address.text, until, reason };
}

/** As `cscli decisions import` reads it: what is left of the block, not its end. */
function decision({ address, untilMs = 0, reason }: Entry) {
  const seconds = Math.max(1, Math.ceil((untilMs - systemClock.wallMs()) / 1000));
  return {
    duration: `${seconds}s`,
    scope: address.text.includes('/') ? 'Range' : 'Ip',
    value: address.text,
    type: 'ban',
    reason: reason || 'ipthrottle',
  };
}

/** As an entry is read from a line, so that what is exported can be imported. */
function entryOf(kind: Entry['kind'], { address, until, reason }: Listed): Entry {
  const untilMs = until === null ? undefined : Date.parse(until);
  return { ...entryIn(`${kind} ${address}`, true, 0), untilMs, reason };
}

export function exportBy(run: Run): CliCommand {
  return {
    name: 'export',
    arguments: '',
    summary: "print the blocks and the operators' allowances, for import",
    options: [{ flags: '--format <format>', summary: 'lines, json, crowdsec or addresses' }],
    choices: { format: Object.keys(writers) },
    async run(invocation) {
      const format = String(invocation.options.format ?? 'lines');
      const write = Object.hasOwn(writers, format) ? writers[format] : undefined;
      if (!write) {
        const known = Object.keys(writers).join(', ');
        throw new Fault('usage', `--format: not one of ${known}: ${quoted(format)}`);
      }
      const told = async (name: string, args: readonly string[], options: CommandOptions) => {
        const call = { ...invocation, arguments: args, options: { ...options, json: true } };
        const { exit, lines } = await run(name, call);
        const text = textLines(lines).join('\n');
        if (exit !== exitCodes.done.code) throw new Fault('daemon', text);
        return JSON.parse(text) as Listed[];
      };
      const blocks = await told('list', [], { sort: 'address' });
      const allowances = await told('allow', ['list'], {});
      const entries = [
        ...allowances
          .filter(({ source }) => source === 'operator')
          .map((each) => entryOf('allow', each)),
        ...blocks
          .filter(({ source }) => source !== 'dry run')
          .map((each) => entryOf('block', each)),
      ];
      return { exit: exitCodes.done.code, lines: write(entries) };
    },
  };
}
