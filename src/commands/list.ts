/** `list`: every block in force, and those that a dry run would have made. */
import type { Block } from '../core/block.ts';
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

const header = ['ADDRESS', 'CLASS', 'RATE', 'SINCE', 'UNTIL', 'LEFT', 'TIMES', 'SOURCE'];

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
    const lines = options.json
      ? [JSON.stringify(blocks.map((block) => blockJson(block, nowMs)))]
      : [{ table: [header, ...blocks.map((block) => row(block, nowMs))] }];
    return { exit: 0, lines };
  },
};
