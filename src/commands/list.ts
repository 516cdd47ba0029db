/**
 * `list`: the blocks in force, and those that a dry run would have made. However many there are, they
 * are chosen, sorted and written down in slices, between which the daemon serves checks.
 */
import type { Block } from '../core/block.ts';
import type { Gatekeeper } from '../gatekeeper/gatekeeper.ts';
import { doBeside, type Work } from '../runtime/work.ts';
import { choices, choosing } from './choose-blocks.ts';
import type {
  Cell,
  Column,
  Command,
  CommandContext,
  CommandOptions,
  Line,
  Table,
} from './command.ts';
import { jsonLines } from './json-lines.ts';
import { countedNoun, rateOf } from './words.ts';

/** How many blocks are looked at in a step. */
const atOnce = 200;

function secondsLeft(block: Block, nowMs: number): number {
  return Math.max(0, Math.ceil((block.untilMs - nowMs) / 1000));
}

/** A block as `--json` shows it. Instants are ISO 8601. */
export function blockJson(block: Block, nowMs: number) {
  return {
    address: block.address.text,
    class: block.class,
    since: new Date(block.sinceMs).toISOString(),
    until: new Date(block.untilMs).toISOString(),
    secondsLeft: secondsLeft(block, nowMs),
    count: block.count,
    limit: block.limit,
    seconds: block.seconds,
    times: block.times,
    source: block.source,
    dryRun: block.source === 'dry run',
    reason: block.reason,
  };
}

/** The enforcers whose servers cannot refuse the block; a dry run is refused nowhere. */
function notPossibleAt({ blocks }: Gatekeeper, { address, source }: Block): string[] {
  return source === 'dry run' ? [] : blocks.unable(address);
}

const columns: readonly Column[] = [
  { name: 'ADDRESS' },
  { name: 'CLASS', rank: 4 },
  { name: 'RATE', rank: 3 },
  { name: 'SINCE', shows: 'instant', rank: 9 },
  { name: 'UNTIL', shows: 'instant', rank: 8 },
  { name: 'LEFT', shows: 'duration', rank: 1 },
  { name: 'TIMES', rank: 6 },
  { name: 'SOURCE', rank: 2 },
];
const reasonColumn: Column = { name: 'REASON', rank: 7, least: 12 };
const notPossibleColumn: Column = { name: 'NOT POSSIBLE AT', rank: 5 };

function cellsOf(block: Block, nowMs: number): Cell[] {
  return [
    block.address.text,
    block.class,
    rateOf(block),
    block.sinceMs,
    block.untilMs,
    secondsLeft(block, nowMs) * 1000,
    block.times,
    block.source === 'dry run' ? 'would block' : block.source,
  ];
}

/** A column that would be empty is left out. */
function* tabling(
  gatekeeper: Gatekeeper,
  blocks: readonly Block[],
  nowMs: number,
): Work<Omit<Table, 'footer'>> {
  const hasReason = blocks.some(({ reason }) => reason !== '');
  const notPossible: string[] = [];
  for (const block of blocks) {
    if (notPossible.push(notPossibleAt(gatekeeper, block).join(', ')) % atOnce === 0) yield;
  }
  const hasNotPossible = notPossible.some((names) => names !== '');
  const rows: Cell[][] = [];
  for (const [at, block] of blocks.entries()) {
    const cells = cellsOf(block, nowMs);
    if (hasReason) cells.push(block.reason || '-');
    if (hasNotPossible) cells.push(notPossible[at] || '-');
    if (rows.push(cells) % atOnce === 0) yield;
  }
  const more = [
    ...(hasReason ? [reasonColumn] : []),
    ...(hasNotPossible ? [notPossibleColumn] : []),
  ];
  return { columns: [...columns, ...more], rows };
}

function* listing(context: CommandContext, options: CommandOptions): Work<Line[]> {
  const { gatekeeper, clock } = context;
  const nowMs = clock.wallMs();
  const { chosen, all } = yield* choosing(context, options, nowMs);
  if (options.json || options.jsonl) {
    const objectOf = (block: Block) => {
      return { ...blockJson(block, nowMs), notPossible: notPossibleAt(gatekeeper, block) };
    };
    return yield* jsonLines(chosen, objectOf, !options.jsonl);
  }
  const footer = chosen.length === all ? '' : `${chosen.length} of `;
  const table = yield* tabling(gatekeeper, chosen, nowMs);
  return [{ ...table, footer: `${footer}${countedNoun(all, 'block')}` }];
}

export const list: Command = {
  name: 'list',
  arguments: '',
  summary: 'list the blocks, the one that ends first in front',
  options: [
    { flags: '--class <class>', summary: 'only those of this class' },
    { flags: '--source <source>', summary: 'only those by rate, operator or dry-run' },
    { flags: '--network <network>', summary: 'only those that lie in it or around it' },
    { flags: '--sort <order>', summary: 'by left, since, address, class or times' },
    { flags: '--limit <number>', summary: 'only so many, the first ones' },
    { flags: '--json', summary: 'print an array of objects' },
    { flags: '--jsonl', summary: 'print an object on each line' },
  ],
  choices,
  changes: false,
  async run(context, _, options) {
    const nowMs = () => context.clock.monotonicMs();
    return { exit: 0, lines: await doBeside(listing(context, options), { nowMs }) };
  },
};
