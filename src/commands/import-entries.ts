/**
 * `import`: makes the blocks and allowances of many lines, in slices, between which the daemon serves
 * checks.
 *
 * Guarantee: a line with a mistake keeps all lines of the command from being carried out.
 */
import { exitCodes } from '../runtime/errors.ts';
import { doBeside, type Work } from '../runtime/work.ts';
import type { Command, CommandContext } from './command.ts';
import { type Entry, entryIn } from './entries.ts';
import { leftUndone } from './left-undone.ts';
import { countedNoun } from './words.ts';

/** What became of the lines. */
export type Imported = {
  blocks: number;
  allowances: number;
  /** How many had ended before. */
  over: number;
  /** Blocks that are left out, each with why, and what is not done yet. */
  readonly leftOut: string[];
};

function secondsUntil(untilMs: number | undefined, nowMs: number): number | undefined {
  return untilMs === undefined ? undefined : Math.round(untilMs - nowMs) / 1000;
}

function importOne(context: CommandContext, entry: Entry, told: Imported): void {
  const { gatekeeper, clock, by } = context;
  const { kind, address, untilMs, reason } = entry;
  const seconds = secondsUntil(untilMs, clock.wallMs());
  if (seconds !== undefined && seconds <= 0) {
    told.over += 1;
  } else if (kind === 'allow') {
    const { fault } = gatekeeper.allow(address, seconds, reason, by);
    if (fault) told.leftOut.push(fault.detail);
    told.allowances += 1;
  } else {
    const allowing = gatekeeper.allowlist.entryFor(address);
    if (allowing) {
      told.leftOut.push(`${address.text}: not blocked: allowlisted by ${allowing.address.text}`);
      return;
    }
    gatekeeper.block({ address, seconds, reason, by, isFromList: true });
    told.blocks += 1;
  }
}

/** What was imported, in a sentence. */
export function importedText({ blocks, allowances, over }: Imported): string {
  const ended = over === 0 ? '' : `; left out ${over} that ${over === 1 ? 'is' : 'are'} over`;
  return `imported ${countedNoun(blocks, 'block')} and ${countedNoun(allowances, 'allowance')}${ended}`;
}

export const importEntries: Command = {
  name: 'import',
  arguments: '<line...>',
  summary: 'make blocks and allowances of lines such as "block 192.0.2.1 - spam run"',
  options: [
    { flags: '--force', summary: 'also of networks wider than /8, or /16 of IPv6' },
    { flags: '--json', summary: 'print one object' },
  ],
  changes: true,
  async run(context, lines, options) {
    const nowMs = context.clock.wallMs();
    const entries = lines.map((line) => entryIn(line, Boolean(options.force), nowMs));
    const told: Imported = { blocks: 0, allowances: 0, over: 0, leftOut: [] };
    function* importing(): Work<void> {
      for (const entry of entries) {
        importOne(context, entry, told);
        yield;
      }
    }
    await doBeside(importing(), { nowMs: () => context.clock.monotonicMs() });
    const undone = await leftUndone(context);
    const all = [...told.leftOut, ...undone];
    return {
      exit: undone.length > 0 ? exitCodes.later.code : exitCodes.done.code,
      lines: options.json
        ? [JSON.stringify({ ...told, leftOut: all })]
        : [importedText(told), ...all],
    };
  },
};
