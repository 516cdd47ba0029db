/** What `tmr` shows of the daemon's own timers. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Scheduler } from '../../src/daemon/scheduler.ts';
import { type Clock, systemClock } from '../../src/runtime/clock.ts';
import { address } from '../core/blocks.ts';
import { gatekeeperSite } from '../gatekeeper/site.ts';

function started(sweepSeconds: number) {
  const { gatekeeper } = gatekeeperSite();
  const timers = new Scheduler(gatekeeper, systemClock);
  timers.start(sweepSeconds);
  onTestFinished(() => timers.stop());
  return timers;
}

test('history, reap, reconcile, retry and sweep are always pending, each within its time', () => {
  const pending = new Map(
    started(180)
      .pending()
      .map(({ name, inMs }) => [name, inMs]),
  );
  expect([...pending.keys()].sort()).toEqual(['history', 'reap', 'reconcile', 'retry', 'sweep']);
  expect(pending.get('history')).toBeLessThanOrEqual(500);
  expect(pending.get('reap')).toBeLessThanOrEqual(250);
  expect(pending.get('retry')).toBeLessThanOrEqual(5000);
  expect(pending.get('reconcile')).toBeLessThanOrEqual(60_000);
  expect(pending.get('sweep')).toBeGreaterThan(5000);
  expect(pending.get('sweep')).toBeLessThanOrEqual(180_000);
});

test('repeated work is scheduled again before it is done', async () => {
  const timers = started(180);
  const names = await new Promise<string[]>((resolve) => {
    timers.every('twice', 5, () => resolve(timers.pending().map(({ name }) => name)));
  });
  expect(names).toContain('twice');
});

test('after stop nothing is pending', () => {
  const timers = started(180);
  timers.stop();
  expect(timers.pending()).toEqual([]);
});

function siteWithBlocks(blocks: number, clock: Clock) {
  const { gatekeeper } = gatekeeperSite();
  for (let last = 1; last <= blocks; last += 1) {
    const order = { address: address(`198.51.100.${last}`), seconds: 3600, reason: '' };
    gatekeeper.block(order);
  }
  const timers = new Scheduler(gatekeeper, clock);
  onTestFinished(() => timers.stop());
  return { gatekeeper, timers };
}

/** How often the event loop came round while a pass was going on. */
async function slicesOf(timers: Scheduler): Promise<number> {
  const isRunning = () => timers.pending().some(({ name }) => name === 'reconcile slice');
  timers.start(180);
  let slices = 1;
  for (; isRunning(); slices += 1) await new Promise((resolve) => setImmediate(resolve));
  return slices;
}

/** A clock that stands still, so that no slice takes time. */
const still: Clock = { wallMs: () => 1_000_000_000_000, monotonicMs: () => 0 };

test('blocks and files are compared in slices of a hundred', async () => {
  const { timers, gatekeeper } = siteWithBlocks(250, still);
  // 250 files, 250 blocks, and the end.
  expect(await slicesOf(timers)).toBe(6);
  expect(gatekeeper.blocks.size).toBe(250);
});

test('the end of the first pass is reported, those of later ones are not', async () => {
  const { timers } = siteWithBlocks(250, systemClock);
  const isRunning = () => timers.pending().some(({ name }) => name === 'reconcile slice');
  const told: boolean[] = [];
  timers.start(180, () => told.push(isRunning()));
  expect(told).toEqual([]);
  while (isRunning()) await new Promise((resolve) => setImmediate(resolve));
  expect(told).toEqual([false]);
});

test('a slice also ends when its time is up', async () => {
  let now = 0;
  const quick = {
    wallMs: () => 1_000_000_000_000,
    monotonicMs: () => {
      now += 1;
      return now;
    },
  };
  const { timers } = siteWithBlocks(50, quick);
  expect(await slicesOf(timers)).toBeGreaterThan(100 / 6);
});

test('a hint during a pass over changes leads to another pass, but not after stop', async () => {
  const begun: string[] = [];
  const { timers, gatekeeper } = siteWithBlocks(1, still);
  const real = gatekeeper.blocks.reconciling.bind(gatekeeper.blocks);
  gatekeeper.blocks.reconciling = function* (scope) {
    begun.push(scope);
    for (let step = 0; step < 150; step += 1) yield undefined;
    yield* real(scope);
  };
  for (let hint = 0; hint < 3; hint += 1) timers.followChanges();
  expect(begun).toEqual(['changed']);
  for (let turn = 0; turn < 8; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(begun).toEqual(['changed', 'changed']);
  timers.stop();
  timers.followChanges();
  expect(begun).toHaveLength(2);
});

test('counters are swept in steps of two thousand', async () => {
  const { gatekeeper, time } = gatekeeperSite();
  const timers = new Scheduler(gatekeeper, systemClock);
  onTestFinished(() => timers.stop());
  for (let value = 0; value < 6000; value += 1) {
    await gatekeeper.hit({ class: 'user', value: `r${value}`, isSession: false });
  }
  time.ms += 61_000;
  const steps = await new Promise<number[]>((resolve) => {
    const sweeping = gatekeeper.sweeping.bind(gatekeeper);
    gatekeeper.sweeping = function* () {
      const forgotten: number[] = [];
      let before = gatekeeper.trackedValues;
      for (const _ of sweeping()) {
        forgotten.push(before - gatekeeper.trackedValues);
        before = gatekeeper.trackedValues;
        yield;
      }
      resolve(forgotten.slice(0, 3));
    };
    timers.start(0.005);
  });
  expect(steps).toEqual([2000, 2000, 2000]);
});

test('when the date is set, the servers follow at once and not with the next retry', async () => {
  const { gatekeeper, peers, time } = gatekeeperSite();
  const clock = { wallMs: () => time.ms + time.setMs, monotonicMs: () => time.ms };
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  gatekeeper.block({ address: address('198.51.100.1'), seconds: 3600, reason: '' });
  const timers = new Scheduler(gatekeeper, clock);
  onTestFinished(() => timers.stop());
  await new Promise<void>((resolve) => timers.start(180, resolve));
  time.setMs = 7_200_000;
  while (gatekeeper.blocks.nextEndMs() === time.ms + 3_600_000) await turn();
  for (let turns = 0; turns < 3; turns += 1) await turn();
  expect(statSync(join(peers, '198.51.100.1')).mtimeMs).toBe(time.ms + 10_800_000);
});
