/**
 * `reap`: removes blocks that are over, in slices, between which the daemon serves checks. Prints only
 * what it removed, so that cron stays silent otherwise.
 */
import { doBeside } from '../runtime/work.ts';
import type { Command } from './command.ts';
import { ageAndRest } from './words.ts';

export const reap: Command = {
  name: 'reap',
  arguments: '',
  summary: 'remove blocks that are over from the store and the servers',
  options: [],
  changes: true,
  async run({ gatekeeper, clock }) {
    const ended = await doBeside(gatekeeper.blocks.reaping());
    const nowMs = clock.wallMs();
    return {
      exit: 0,
      lines: ended.map((block) => `reaped ${block.address.text} (${ageAndRest(block, nowMs)})`),
    };
  },
};
