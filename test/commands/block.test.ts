/**
 * What became of a change: at each server, and in the database.
 *
 * Tests: src/commands/left-undone.ts
 */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { rawDatabase } from '../store/raw-database.ts';
import { commandSite as site } from './site.ts';

const config = `limits : { ip: ( ("*", 60, 3) ); }; blocking : { time: 120; };`;

test('block says only that when the block is in force at every server', async () => {
  const { run } = site(config);
  expect(await run('block 192.0.2.1 192.0.2.0/24')).toEqual([
    0,
    'blocked 192.0.2.1 for 2 minutes',
    'blocked 192.0.2.0/24 for 2 minutes',
  ]);
});

test('block says where a server cannot express it', async () => {
  const { run, peers } = site(config);
  writeFileSync(join(peers, '192.0.2.1'), '');
  const there = `  peers ${peers}: not possible there, rater refuses it itself`;
  expect(await run('block 192.0.0.0/20 192.0.2.2 192.0.2.1')).toEqual([
    0,
    'blocked 192.0.0.0/20 for 2 minutes',
    there,
    'blocked 192.0.2.2 for 2 minutes',
    'blocked 192.0.2.1 for 2 minutes',
    there,
  ]);
});

test('without rater it says that until rater runs nobody refuses what servers cannot express', async () => {
  const { runOffline, peers } = site(config);
  expect(await runOffline('block 192.0.0.0/20')).toEqual([
    0,
    'blocked 192.0.0.0/20 for 2 minutes',
    `  peers ${peers}: not possible there, rater refuses it itself once it runs`,
  ]);
});

test('block says where it failed and why, and leaves as a temporary failure', async () => {
  const { run, peers, gatekeeper } = site(config);
  renameSync(peers, `${peers}.away`);
  const [exit, first, second, ...others] = await run('block 192.0.2.1');
  expect([exit, first, others]).toEqual([111, 'blocked 192.0.2.1 for 2 minutes', []]);
  expect(second).toMatch(new RegExp(`^ {2}peers ${peers}: failed: .*ENOENT`));
  renameSync(`${peers}.away`, peers);
  gatekeeper.blocks.retry();
  expect(await run('block 192.0.2.1')).toEqual([0, 'blocked 192.0.2.1 for 2 minutes']);
});

test('block, unblock and reap say when the database did not take it', async () => {
  const { run, dbPath, time, gatekeeper } = site(config);
  await run('block 192.0.2.2');
  const rival = rawDatabase(dbPath);
  rival.exec('BEGIN IMMEDIATE');
  const undone = expect.stringMatching(/^database: not done yet: database not usable now: /);
  expect(await run('block 192.0.2.1')).toEqual([111, 'blocked 192.0.2.1 for 2 minutes', undone]);
  expect(await run('unblock 192.0.2.1')).toEqual([
    111,
    expect.stringMatching(/^unblocked 192\.0\.2\.1 /),
    undone,
  ]);
  time.ms += 120_000;
  expect(await run('reap')).toEqual([111, expect.stringMatching(/^reaped 192\.0\.2\.2 /), undone]);
  rival.exec('COMMIT');
  rival.close();
  gatekeeper.blocks.retry();
  expect(await run('reap')).toEqual([0]);
});

test('reap, unblock and allow add say what a server still obeys, and what else was done', async () => {
  const { run, peers, time } = site(config);
  await run('block 192.0.2.1', { for: '1h' });
  await run('block 192.0.2.2', { for: '60' });
  // A directory without its name cannot be read, but an entry in its place can.
  renameSync(peers, `${peers}.away`);
  writeFileSync(peers, 'no directory');
  const stays = /192\.0\.2\.1 stays blocked: .*ENOTDIR/;
  expect(await run('unblock 192.0.2.1 192.0.2.7')).toEqual([
    111,
    expect.stringMatching(stays),
    '192.0.2.7: not blocked',
  ]);
  expect(await run('unblock', { all: true })).toHaveLength(3);
  expect(await run('allow add 192.0.2.1 192.0.2.7')).toEqual([
    111,
    expect.stringMatching(`^allowed 192.0.2.1 until it is taken back; ${stays.source}`),
    expect.stringMatching('^allowed 192.0.2.7 until it is taken back'),
  ]);
  time.ms += 60_000;
  expect(await run('reap')).toEqual([
    111,
    expect.stringMatching(/^1 block is over and a server still obeys it: .*ENOTDIR/),
  ]);
});

test('a grace that a server does not obey is told together with what was lifted', async () => {
  const { run, peers, gatekeeper } = site(config);
  await run('block 192.0.0.0/20');
  await run('block 192.0.2.0/24');
  renameSync(peers, `${peers}.away`);
  writeFileSync(peers, 'no directory');
  expect(await run('unblock 192.0.2.1', { grace: '1h' })).toEqual([
    111,
    expect.stringMatching(/^unblocked 192\.0\.0\.0\/20 /),
    '192.0.2.1: not refused for 1 hour',
    expect.stringMatching(/^192\.0\.2\.0\/24 stays blocked: /),
  ]);
  renameSync(peers, `${peers}.no`);
  mkdirSync(peers);
  expect(gatekeeper.blocks.size).toBe(1);
});
