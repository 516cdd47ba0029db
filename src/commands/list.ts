/** `list`: every block in force, and those that a dry run would have made. */
import type { Block } from '../core/block.ts';
import type { Gatekeeper } from '../gatekeeper/gatekeeper.ts';
import type { Command, Row } from './command.ts';
import { rateOf } from './words.ts';

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

const header = ['ADDRESS', 'CLASS', 'RATE', 'SINCE', 'UNTIL', 'LEFT', 'TIMES', 'SOURCE'];
const lastHeader = 'NOT POSSIBLE AT';

function row(block: Block, nowMs: number): Row {
  return [
    block.address.text,
    block.class,
    rateOf(block),
    { ms: block.sinceMs },
    { ms: block.untilMs },
    `${secondsLeft(block, nowMs)}s`,
    String(block.times),
    block.source === 'dry run' ? 'would block' : block.source,
  ];
}

export const list: Command = {
  name: 'list',
  arguments: '',
  summary: 'list the blocks, the one that ends first in front',
  options: [{ flags: '--json', summary: 'print an array of objects' }],
  changes: false,
  run({ gatekeeper, clock }, _, options) {
    const nowMs = clock.wallMs();
    const real = gatekeeper.blocks.all((block) => block.untilMs > nowMs);
    const blocks = [...real, ...gatekeeper.dryRuns.all()];
    const notPossible = blocks.map((block) => notPossibleAt(gatekeeper, block));
    if (options.json) {
      const json = blocks.map((block, index) => {
        return { ...blockJson(block, nowMs), notPossible: notPossible[index] };
      });
      return { exit: 0, lines: [JSON.stringify(json)] };
    }
    const rows = blocks.map((block) => row(block, nowMs));
    if (notPossible.every((names) => names.length === 0)) {
      return { exit: 0, lines: [{ table: [header, ...rows] }] };
    }
    const wide = rows.map((cells, index) => [...cells, notPossible[index]?.join(', ') || '-']);
    return { exit: 0, lines: [{ table: [[...header, lastHeader], ...wide] }] };
  },
};
