/** How many blocks of dry runs are remembered. */
import { expect, test } from 'vitest';
import { DryRuns } from '../../src/gatekeeper/dry-runs.ts';
import { Health } from '../../src/health/health.ts';
import type { Fields } from '../../src/runtime/log.ts';
import { block } from '../core/blocks.ts';
import { gatekeeperSite } from './site.ts';

test('with no room for another dry run, the oldest is forgotten', () => {
  let nowMs = 0;
  const forgotten: string[] = [];
  const clock = { wallMs: () => nowMs, monotonicMs: () => nowMs };
  const warn = (event: string, fields?: Fields) =>
    void forgotten.push(`${event} ${fields?.address}`);
  const log = { debug: warn, info: warn, warn, error: warn };
  const dryRuns = new DryRuns(clock, 3, new Health(log, clock));
  const kept = () => dryRuns.all().map(({ address }) => address.text);
  const add = (text: string, untilMs: number) => dryRuns.add(block(text, { untilMs }));

  for (const last of [1, 2, 3]) add(`192.0.2.${last}`, 1000 * last);
  expect(kept()).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.3']);
  add('192.0.2.4', 1500);
  expect([kept(), forgotten]).toEqual([
    ['192.0.2.4', '192.0.2.2', '192.0.2.3'],
    ['dry run forgotten 192.0.2.1'],
  ]);

  // One that is over makes room silently, and one that is added again becomes the newest.
  nowMs = 2000;
  add('192.0.2.5', 9000);
  add('192.0.2.4', 9000);
  add('192.0.2.6', 9000);
  expect(kept()).toEqual(['192.0.2.5', '192.0.2.4', '192.0.2.6']);
  // 192.0.2.3 is forgotten as well; that is logged when the minute is over.
  expect(forgotten).toHaveLength(1);
  expect(dryRuns.blocksTold).toBe(7);
});

test('max_blocks bounds the dry runs, and what is forgotten is logged once', async () => {
  const { ask, gatekeeper, lines } = gatekeeperSite(`
    settings: { max_blocks: 2; };
    limits: { ip: ( ("*", 60, 0) ); };
    classes: { ip: { dry_run: true; }; };
    blocking: { time: 120; };`);
  for (let last = 1; last <= 5; last += 1) await ask(`ip 192.0.2.${last}`);
  const kept = gatekeeper.dryRuns.all().map(({ address }) => address.text);
  expect(kept).toEqual(['192.0.2.4', '192.0.2.5']);
  expect(lines.filter((line) => line.startsWith('dry run forgotten'))).toEqual([
    'dry run forgotten {"address":"192.0.2.1","count":1}',
  ]);
});
