/** Blocks neither vanish nor become eternal when the date is set: they end when they would have. */
import { existsSync, readdirSync, renameSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { doNow } from '../../src/runtime/work.ts';
import { address } from '../core/blocks.ts';
import { gatekeeperSite } from './site.ts';

const config = 'limits : { ip: ( ("*", 60, 3) ); }; blocking : { time: 120; };';
const one = address('192.0.2.1');
const hourMs = 3_600_000;
const hour = hourMs / 1000;

/** A site with one block of 120 seconds, of which 20 have passed. */
async function site(message?: string) {
  const made = gatekeeperSite(config, undefined, message);
  const { asked, time, peers, store, events } = made;
  await asked('ip 192.0.2.1', 4);
  time.ms += 20_000;
  const file = join(peers, '192.0.2.1');
  const nowMs = () => time.ms + time.setMs;
  type Keeper = typeof made.gatekeeper.blocks;
  const leftMs = (blocks: Keeper) => (blocks.covering(one)?.untilMs ?? nowMs()) - nowMs();
  /** In memory, in the store and in its file. */
  const expectLeft = (blocks: Keeper, seconds: number) => {
    expect(leftMs(blocks) / 1000).toBe(seconds);
    const [row] = store.all();
    expect(row?.untilMs).toBe(blocks.covering(one)?.untilMs);
    expect((row?.untilMs ?? 0) - (row?.sinceMs ?? 0)).toBe(120_000);
    expect(statSync(file).mtimeMs).toBe(row?.untilMs);
  };
  const expectEnd = (blocks: Keeper, seconds: number) => {
    time.ms += seconds * 1000 - 1;
    expect(blocks.reap()).toEqual([]);
    time.ms += 1;
    expect(blocks.reap()).toHaveLength(1);
    expect([store.all(), readdirSync(peers)]).toEqual([[], []]);
    expect(events.filter((event) => /trouble|unblocked|reconciled/.test(event))).toEqual([]);
  };
  return { ...made, blocks: made.gatekeeper.blocks, file, leftMs, expectLeft, expectEnd };
}

describe.each([
  ['silent', undefined],
  ['polite', 'come later'],
])('a %s block', (_, message) => {
  describe.each([
    ['forward', 1],
    ['back', -1],
  ])('the date being set %s', (__, sign) => {
    test('ends when it would have', async () => {
      const { blocks, time, lines, expectLeft, expectEnd } = await site(message);
      time.setMs = sign * hourMs;
      expect(blocks.reap()).toEqual([]);
      blocks.retry();
      expectLeft(blocks, 100);
      expect(lines.filter((line) => line.startsWith('clock set'))).toEqual([
        `clock set {"seconds":${sign * hour},"blocks":1}`,
      ]);
      expectEnd(blocks, 100);
    });

    test('survives a restart', async () => {
      const { blocks, time, start, expectLeft, expectEnd } = await site(message);
      time.setMs = sign * hourMs;
      blocks.reap();
      blocks.retry();
      const again = start().blocks;
      expectLeft(again, 100);
      expectEnd(again, 100);
    });

    test('ends when it would have though the date is set twice', async () => {
      const { blocks, time, start, expectLeft, expectEnd } = await site(message);
      time.setMs = sign * hourMs;
      blocks.reap();
      time.ms += 10_000;
      time.setMs *= 2;
      blocks.reap();
      blocks.retry();
      expectLeft(blocks, 90);
      const again = start().blocks;
      expectLeft(again, 90);
      expectEnd(again, 90);
    });

    test('keeps its file though its new end fails to reach the server at first', async () => {
      const { blocks, time, peers, expectLeft } = await site(message);
      renameSync(peers, `${peers}.away`);
      time.setMs = sign * hourMs;
      blocks.reap();
      blocks.retry();
      time.setMs *= 2;
      blocks.reap();
      blocks.retry();
      renameSync(`${peers}.away`, peers);
      blocks.retry();
      expectLeft(blocks, 100);
      // Once it has arrived, its entry is known by the new end.
      time.setMs = 0;
      blocks.reap();
      blocks.retry();
      expectLeft(blocks, 100);
    });
  });

  test('lasts at most its full time when the date was set back while rater was down', async () => {
    const { time, start, expectLeft, expectEnd } = await site(message);
    time.setMs = -hourMs;
    const again = start().blocks;
    expectLeft(again, 120);
    expectEnd(again, 120);
  });

  test.each(['at the start', 'in a pass'])(
    'known only by its file lasts at most its full time, found %s',
    async (when) => {
      const { time, start, store, file, expectLeft } = await site(message);
      store.removeAll([one]);
      time.setMs = -hourMs;
      if (when === 'in a pass') renameSync(file, `${file}.hidden`);
      const again = start().blocks;
      if (when === 'in a pass') renameSync(`${file}.hidden`, file);
      doNow(again.reconciling('all'));
      again.retry();
      expectLeft(again, 120);
    },
  );
});

test('the first to notice that the date was set may be a client', async () => {
  const { ask, time, blocks, leftMs } = await site();
  time.setMs = hourMs;
  expect(await ask('ip 192.0.2.1')).toBe('1 5/3 100');
  time.setMs = 0;
  expect(leftMs(blocks)).toBe(100_000);
});

test('a block that is made after the date was set is not moved', async () => {
  const { gatekeeper, time } = await site();
  time.setMs = -hourMs;
  const made = gatekeeper.block({ address: address('192.0.2.7'), seconds: 60, reason: '' });
  gatekeeper.blocks.reap();
  expect(gatekeeper.blocks.covering(address('192.0.2.7'))).toEqual(made);
  expect(made.untilMs).toBe(time.ms - hourMs + 60_000);
});

test('a block is known by its file even if that still has the end of a replaced, moved block', async () => {
  const { gatekeeper, time, blocks, expectLeft, expectEnd } = await site();
  time.setMs = hourMs;
  blocks.reap();
  gatekeeper.block({ address: one, seconds: 120, reason: '' });
  expectLeft(blocks, 120);
  time.setMs = 2 * hourMs;
  blocks.reap();
  blocks.retry();
  expectLeft(blocks, 120);
  expectEnd(blocks, 120);
});

test('a file removed before it got its new end was removed by tcpsvd -t, which is no unblock', async () => {
  const { blocks, time, file, events, expectLeft } = await site();
  doNow(blocks.reconciling('all'));
  time.setMs = hourMs;
  blocks.reap();
  unlinkSync(file);
  doNow(blocks.reconciling('all'));
  blocks.retry();
  expectLeft(blocks, 100);
  expect(events).not.toContain('unblocked');
  unlinkSync(file);
  doNow(blocks.reconciling('all'));
  expect([blocks.size, existsSync(file)]).toEqual([0, false]);
  expect(events).toContain('unblocked');
});
