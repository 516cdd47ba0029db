/**
 * Whether servers refuse exactly what is remembered: finds blocks without a file or key, files of
 * ours without a block, blocks that are over, and a cdb that does not match its source.
 *
 * While rater runs, recent blocks may not be in force yet: a difference is compared again after the
 * time of a rebuild.
 */

import { setTimeout as pause } from 'node:timers/promises';
import type { Block } from '../../core/block.ts';
import { type Finding, problem, someAddresses } from '../../health/finding.ts';
import type { Check, Installation } from '../check.ts';
import { ofEnforcers } from './of-enforcers.ts';

const settledMs = 2500;
/** How long an expired block may wait to be reaped. */
const reapedMs = 10_000;

function overdue(blocks: readonly Block[], nowMs: number): Finding[] {
  const found = blocks.filter(({ untilMs }) => untilMs < nowMs - reapedMs);
  if (found.length === 0) return [];
  const what = `blocks that are over and still there: ${someAddresses(found)}`;
  return [problem(what, 'ipthrottle reap, and see that rater runs or cron does that')];
}

function compare(site: Installation, blocks: readonly Block[]): Finding[] {
  return [...overdue(blocks, site.clock.wallMs()), ...ofEnforcers(site, 'drift', blocks)];
}

export const drift: Check = {
  name: 'drift',
  looksAt: 'what the servers are told',
  async run(site) {
    const { remembered: memory, daemon } = site;
    if ('unknown' in memory) return [];
    const found = compare(site, memory.blocks);
    if (found.length === 0 || daemon.is !== 'running') return found;
    await pause(settledMs);
    const settled = await site.remember();
    return settled ? compare(site, settled.blocks) : found;
  },
};
