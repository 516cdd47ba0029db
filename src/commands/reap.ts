/**
 * `reap`: removes blocks that are over, in slices, between which the daemon serves checks. Prints only
 * what it removed, so that cron stays silent otherwise.
 */
import { exitCodes } from '../runtime/errors.ts';
import { doBeside } from '../runtime/work.ts';
import type { Command } from './command.ts';
import { leftUndone } from './left-undone.ts';
import { ageAndRest } from './words.ts';

function stuckLine(count: number, why: string | undefined): string {
  const what =
    count === 1 ? '1 block is over and a server' : `${count} blocks are over and a server`;
  return `${what} still obeys ${count === 1 ? 'it' : 'them'}: ${why ?? 'it is tried again'}`;
}

export const reap: Command = {
  name: 'reap',
  arguments: '',
  summary: 'remove blocks that are over from the store and the servers',
  options: [],
  changes: true,
  async run(context) {
    const { gatekeeper, clock } = context;
    const ended = await doBeside(gatekeeper.blocks.reaping());
    const nowMs = clock.wallMs();
    const lines = ended.map((block) => {
      return `reaped ${block.address.text} (${ageAndRest(block, nowMs)})`;
    });
    const undone = ended.length > 0 ? await leftUndone(context) : [];
    const { stuck } = gatekeeper.blocks;
    if (stuck > 0) undone.push(stuckLine(stuck, gatekeeper.health.trouble('server')?.what));
    const { done, later } = exitCodes;
    return { exit: (undone.length > 0 ? later : done).code, lines: [...lines, ...undone] };
  },
};
