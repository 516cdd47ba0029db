/**
 * What rater does between its start and `all in force`.
 *
 * Tests: src/enforcers/make-enforcers.ts
 */
import { existsSync, lstatSync, rmSync, unlinkSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { SqliteStore } from '../../src/store/sqlite-store.ts';
import { newBlock } from '../core/blocks.ts';
import { ask } from './line-client.ts';
import { until } from './running-program.ts';
import { Site } from './site.ts';

const many = 400;
const hourMs = 3_600_000;

let site: Site;

afterEach(() => site.stop());

/** Blocks that only the store knows. */
function fillStore(blocks: readonly { readonly text: string; readonly lastsMs: number }[]): void {
  const store = new SqliteStore(site.path('blocks.db'));
  const sinceMs = Date.now() - 2 * hourMs;
  for (const { text, lastsMs } of blocks) {
    store.add(newBlock(text, { sinceMs, untilMs: Date.now() + lastsMs }));
  }
  store.close();
}

/** The reply to the first request that can be made. */
async function firstReply(): Promise<string> {
  let reply = '';
  await until('an answer', async () => {
    reply = await ask({ path: site.path('rater.sock') }, ['ip 127.0.1.1\n']).catch(() => '');
    return reply !== '';
  });
  return reply;
}

function manyBlocks() {
  return Array.from({ length: many }, (_, index) => {
    return { text: `127.8.${index >> 8}.${index & 255}`, lastsMs: hourMs };
  });
}

test.each(['with its files lost', 'and no directory for them'])(
  'a client that is blocked in the store is refused at the very first answer, %s',
  async (what) => {
    site = new Site();
    fillStore([...manyBlocks(), { text: '127.0.1.1', lastsMs: hourMs }]);
    if (what === 'and no directory for them') rmSync(site.path('peers'), { recursive: true });
    const rater = site.spawnRater();
    expect(await firstReply()).toMatch(/^1 1\/10 \d+\r\n$/);
    if (what === 'and no directory for them') {
      await rater.says(/trouble: /);
      expect(rater.said).not.toMatch(/all in force/);
      return;
    }
    await rater.says(/info: all in force: blocks=401 ms=\d+$/m);
    expect(site.peers()).toHaveLength(many + 1);
    expect(rater.said).toMatch(/ready: [\s\S]*all in force: /);
  },
);

test('all in force is logged once the cdb has all blocks, too', async () => {
  const wide = Array.from({ length: 65_536 }, (_, n) => `10.9.${n >> 8}.${n & 255}:allow\n`);
  site = new Site({ rules: wide.join('') });
  fillStore([...manyBlocks(), { text: '127.0.1.1', lastsMs: hourMs }]);
  const rater = site.spawnRater();
  await rater.says(/all in force/);
  expect(await site.isDeniedByCdb('127.0.1.1')).toBe(true);
});

test('all in force is logged once compiled peers have all blocks, too', async () => {
  site = new Site({ blocking: 'peers_cdb: "peers.cdb";' });
  fillStore(manyBlocks());
  const rater = site.spawnRater();
  await rater.says(/all in force/);
  // Nothing is compiled before all files are there.
  expect(lstatSync(site.path('peers.cdb')).size).toBeGreaterThan(many * 20);
});

test('a start ends what is over, and from then on follows the directory', async () => {
  site = new Site();
  fillStore([
    { text: '127.0.1.1', lastsMs: hourMs },
    { text: '127.0.1.2', lastsMs: hourMs },
    { text: '127.0.1.3', lastsMs: -1 },
  ]);
  const rater = site.spawnRater();
  await rater.says(/all in force: blocks=2 /);
  expect(rater.said).toMatch(/block ended: address=127\.0\.1\.3 /);
  expect(site.peers()).toEqual(['127.0.1.1', '127.0.1.2']);
  unlinkSync(site.path('peers', '127.0.1.1'));
  await rater.says(/unblocked: address=127\.0\.1\.1 /);
  // One pass, which did not notice its own changes.
  await rater.says(/(reconciled: [\s\S]*){2}/);
  expect(rater.said.match(/reconciled: /g)).toHaveLength(2);
});

test('a missing cdb is compiled before rater answers: without it tcpserver lets nobody in', async () => {
  const wide = Array.from({ length: 65_536 }, (_, n) => `10.9.${n >> 8}.${n & 255}:allow\n`);
  site = new Site({ rules: wide.join('') });
  const rater = site.spawnRater();
  await until('the socket', () => existsSync(site.path('rater.sock')));
  expect(existsSync(site.path('rules.cdb')), rater.said).toBe(true);
});
