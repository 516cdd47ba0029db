/**
 * `reap`: removes what is over, in slices, between which the daemon serves checks. Prints only what it
 * removed, so cron stays silent otherwise.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Block } from '../core/block.ts';
import type { Command } from './command.ts';
import { ageAndRest } from './words.ts';

export const reap: Command = {
  name: 'reap',
  arguments: '',
  summary: 'remove blocks that are over from the store and the servers',
  options: [],
  changes: true,
  async run({ gatekeeper, clock }) {
    const ended: Block[] = [];
    for (let slice = gatekeeper.blocks.reap(); slice.length > 0; slice = gatekeeper.blocks.reap()) {
      ended.push(...slice);
      await nextTurn();
    }
    const nowMs = clock.wallMs();
    return {
      exit: 0,
      lines: ended.map((block) => `reaped ${block.address.text} (${ageAndRest(block, nowMs)})`),
    };
  },
};
