/** Tests: src/gatekeeper/verdicts.ts */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Enforcer } from '../../src/enforcers/enforcer.ts';
import { SqliteStore } from '../../src/store/sqlite-store.ts';
import { address } from '../core/blocks.ts';
import { rawDatabase } from '../store/raw-database.ts';
import { configFrom, plainConfig, gatekeeperSite as site } from './site.ts';

test('the limit passes, then the address is blocked in store and peers directory', async () => {
  const { asked, store, peers } = site();
  expect(await asked('ip 192.0.2.1', 5)).toEqual([
    '0 1/3',
    '0 2/3',
    '0 3/3',
    '1 4/3 120',
    '1 5/3 120',
  ]);
  expect(store.all().map((block) => block.address.text)).toEqual(['192.0.2.1']);
  expect(readdirSync(peers)).toEqual(['192.0.2.1']);
});

test('a reply of "exceeded" comes after the block is committed and in force', async () => {
  const seen: (number | undefined)[] = [];
  const { ask, store } = site(plainConfig, (real) => {
    const impose: Enforcer['impose'] = (block) => {
      seen.push(store.all().find(({ address: { text } }) => text === block.address.text)?.untilMs);
      return real.impose(block);
    };
    return { ...real, name: real.name, impose, reconcile() {}, flush() {}, close() {} };
  });
  for (let turn = 0; turn < 4; turn += 1) await ask('ip 192.0.2.1');
  expect(seen).toEqual([1_000_000_120_000]);
});

test('other spellings of an address are the same address', async () => {
  const { ask, asked } = site();
  await asked('ip 192.0.2.1', 2);
  expect(await ask('ip ::ffff:192.0.2.1')).toBe('0 3/3');
});

test('the block ends at its time and the count starts anew', async () => {
  const { ask, asked, time, peers, gatekeeper } = site();
  await asked('ip 192.0.2.1', 4);
  time.ms += 119_999;
  expect(await ask('ip 192.0.2.1')).toBe('1 1/3 1');
  time.ms += 1;
  expect(await ask('ip 192.0.2.1')).toBe('0 1/3');
  expect([readdirSync(peers), gatekeeper.blocks.size]).toEqual([[], 0]);
});

test('reap ends blocks that are over and nothing else', async () => {
  const { asked, time, gatekeeper, peers } = site();
  await asked('ip 192.0.2.1', 4);
  time.ms += 60_000;
  await asked('ip 192.0.2.2', 4);
  time.ms += 60_000;
  expect(gatekeeper.blocks.reap().map((block) => block.address.text)).toEqual(['192.0.2.1']);
  expect(readdirSync(peers)).toEqual(['192.0.2.2']);
  expect(gatekeeper.blocks.nextEndMs()).toBe(time.ms + 60_000);
});

test('a class that blocks nothing refuses while the window is full, and classes count apart', async () => {
  const { ask, asked, peers, time } = site();
  await asked('ip 192.0.2.1', 3);
  expect(await asked('user rosario', 4)).toEqual(['0 1/3', '0 2/3', '0 3/3', '1 4/3']);
  time.ms += 60_000;
  expect(await ask('user rosario')).toBe('0 1/3');
  expect(readdirSync(peers)).toEqual([]);
});

test.each([
  ['foo x', '2 Class not found: foo'],
  ['ip ../../etc/passwd', '2 Not an address: ../../etc/passwd'],
  ['ip 192.0.2.1/24', '2 Not an address: 192.0.2.1/24'],
  ['ip 192.0.2.01', '2 Not an address: 192.0.2.01'],
])('%j is answered %j, and there is no file', async (line, reply) => {
  const { asked, peers } = site();
  expect(await asked(line, 5)).toEqual(Array(5).fill(reply));
  expect(readdirSync(peers)).toEqual([]);
});

test('a value that no limit matches is counted and unlimited', async () => {
  const { asked } = site();
  expect((await asked('ip 203.0.113.1', 9)).at(-1)).toBe('0 9/-');
  expect((await asked('user xaver', 9)).at(-1)).toBe('0 9/-');
});

test('an allowlisted address is never refused and cannot be blocked, even as part of a network', async () => {
  const { asked, gatekeeper, peers } = site();
  expect((await asked('ip 192.0.2.200', 9)).at(-1)).toBe('0 9/-');
  for (const text of ['192.0.2.200', '192.0.2.0/24']) {
    const order = { address: address(text), seconds: 5, reason: '' };
    expect(() => gatekeeper.block(order)).toThrow(/is allowlisted by 192\.0\.2\.128\/25/);
  }
  expect(readdirSync(peers)).toEqual([]);
});

test('a block that an operator orders covers a network and can be lifted', async () => {
  const { ask, gatekeeper, peers } = site();
  gatekeeper.block({ address: address('198.51.100.0/24'), seconds: 60, reason: 'noise' });
  expect(readdirSync(peers)).toEqual(['198.51.100']);
  expect(await ask('ip 198.51.100.7')).toBe('1 1/- 60');
  expect(gatekeeper.unblock(address('198.51.100.7'))).toBeUndefined();
  expect(gatekeeper.unblock(address('198.51.100.0/24'))).toMatchObject({ reason: 'noise' });
  expect(await ask('ip 198.51.100.7')).toBe('0 1/-');
  expect(readdirSync(peers)).toEqual([]);
});

test('unblocking forgets the hits', async () => {
  const { ask, asked, gatekeeper } = site();
  await asked('ip 192.0.2.1', 4);
  gatekeeper.unblock(address('192.0.2.1'));
  expect(await ask('ip 192.0.2.1')).toBe('0 1/3');
});

test('an address allowlisted by a new configuration is let in at once', async () => {
  const { ask, asked, gatekeeper, peers } = site();
  await asked('ip 192.0.2.1', 4);
  gatekeeper.configure(configFrom(plainConfig.replace('192.0.2.128/25', '192.0.2.1')));
  expect(await ask('ip 192.0.2.1')).toMatch(/^0 1\/-/);
  expect(readdirSync(peers)).toEqual([]);
});

test('a restart puts remembered blocks in force and ends those that are over', async () => {
  const { asked, gatekeeper, start, time, peers } = site();
  await asked('ip 192.0.2.1', 4);
  time.ms += 60_000;
  await asked('ip 192.0.2.2', 4);
  gatekeeper.blocks.all();
  time.ms += 60_000;
  const again = start();
  expect(again.blocks.all().map((block) => block.address.text)).toEqual(['192.0.2.2']);
  expect(readdirSync(peers)).toEqual(['192.0.2.2']);
});

test('while the peers directory is away the daemon refuses itself, and later fills it again', async () => {
  const { asked, gatekeeper, peers, events } = site();
  renameSync(peers, `${peers}.away`);
  expect((await asked('ip 192.0.2.1', 5)).slice(3)).toEqual(['1 4/3 120', '1 5/3 120']);
  expect(
    gatekeeper.health
      .troubles()
      .map(({ what }) => what)
      .join(),
  ).toMatch(/ENOENT/);
  renameSync(`${peers}.away`, peers);
  gatekeeper.blocks.retry();
  expect(readdirSync(peers)).toEqual(['192.0.2.1']);
  expect(gatekeeper.health.troubles().length).toBe(0);
  expect(events).toEqual(['trouble', 'blocked', 'recovered']);
});

test('a block that cannot be lifted stays remembered until it can', async () => {
  const { asked, gatekeeper, peers, time, store, events } = site();
  await asked('ip 192.0.2.1', 4);
  // A directory without its name cannot be read, but an entry in its place can.
  renameSync(peers, `${peers}.away`);
  const notADirectory = join(peers, '..', 'store.db');
  renameSync(notADirectory, peers);
  expect(() => gatekeeper.unblock(address('192.0.2.1'))).toThrow(/192\.0\.2\.1 stays blocked/);
  time.ms += 120_000;
  expect(gatekeeper.blocks.reap()).toEqual([]);
  expect(store.all()).toHaveLength(1);
  renameSync(peers, notADirectory);
  renameSync(`${peers}.away`, peers);
  gatekeeper.blocks.retry();
  expect([store.all(), readdirSync(peers)]).toEqual([[], []]);
  expect(events.filter((event) => event === 'block ended')).toHaveLength(1);
});

test('the error of a block that cannot be lifted names the server, whatever else is wrong', async () => {
  const { asked, gatekeeper, peers, dbPath } = site();
  await asked('ip 192.0.2.1', 4);
  const rival = rawDatabase(dbPath);
  rival.exec('BEGIN IMMEDIATE');
  await asked('ip 192.0.2.2', 4);
  expect(gatekeeper.blocks.isInTrouble).toBe(true);
  rmSync(peers, { recursive: true });
  writeFileSync(peers, 'no directory');
  expect(() => gatekeeper.unblock(address('192.0.2.1'))).toThrow(/stays blocked: .*ENOTDIR/);
  rmSync(peers);
  mkdirSync(peers);
  rival.exec('COMMIT');
  rival.close();
  gatekeeper.blocks.retry();
  expect(gatekeeper.blocks.isInTrouble).toBe(false);
});

test('a failing store stops neither counting nor blocking, and gets everything later', async () => {
  const { asked, gatekeeper, store, dbPath, peers } = site();
  const rival = rawDatabase(dbPath);
  rival.exec('BEGIN IMMEDIATE');
  expect((await asked('ip 192.0.2.1', 4)).at(-1)).toMatch(/^1 4\/3/);
  expect(existsSync(join(peers, '192.0.2.1'))).toBe(true);
  expect(store.all()).toEqual([]);
  rival.exec('COMMIT');
  rival.close();
  gatekeeper.blocks.retry();
  expect(store.all().map((block) => block.address.text)).toEqual(['192.0.2.1']);
});

test('what the store failed to take is written at the end, if that works then', async () => {
  const { asked, gatekeeper, dbPath } = site();
  const rival = rawDatabase(dbPath);
  rival.exec('BEGIN IMMEDIATE');
  await asked('ip 192.0.2.1', 4);
  rival.exec('COMMIT');
  rival.close();
  gatekeeper.blocks.close();
  const store = new SqliteStore(dbPath);
  expect(store.all().map((block) => block.address.text)).toEqual(['192.0.2.1']);
  store.close();
});

test('usages have limit and count of each address class, and count no hit', async () => {
  const { asked, gatekeeper } = site();
  await asked('ip 192.0.2.1', 2);
  const before = await gatekeeper.usages(address('192.0.2.1'));
  expect(await gatekeeper.usages(address('192.0.2.1'))).toEqual(before);
  expect(before.map(({ value, counts }) => [value, counts])).toEqual([['192.0.2.1', [2]]]);
  expect(before[0]?.limit?.pattern.text).toBe('192.0.2.0/24');
});

test('a replaced or lifted block ends nothing when its time would have come', () => {
  const { gatekeeper, peers, time } = site();
  const order = (seconds: number) => {
    gatekeeper.block({ address: address('198.51.100.1'), seconds, reason: '' });
  };
  order(60);
  order(600);
  time.ms += 60_000;
  expect(gatekeeper.blocks.reap()).toEqual([]);
  expect(gatekeeper.blocks.nextEndMs()).toBe(time.ms + 540_000);
  gatekeeper.unblock(address('198.51.100.1'));
  order(1000);
  time.ms += 540_000;
  expect(gatekeeper.blocks.reap()).toEqual([]);
  expect(readdirSync(peers)).toEqual(['198.51.100.1']);
  time.ms += 460_000;
  expect(gatekeeper.blocks.reap()).toHaveLength(1);
});

test('a block that the store failed to remove is gone, logged once, and removed later', () => {
  const { gatekeeper, store, dbPath, time, events } = site();
  gatekeeper.block({ address: address('198.51.100.1'), seconds: 60, reason: '' });
  const rival = rawDatabase(dbPath);
  rival.exec(`CREATE TRIGGER refuse BEFORE DELETE ON blocks BEGIN SELECT RAISE(ABORT, 'no'); END`);
  time.ms += 60_000;
  gatekeeper.blocks.reap();
  gatekeeper.blocks.reap();
  gatekeeper.blocks.retry();
  expect([gatekeeper.blocks.size, store.all().length]).toEqual([0, 1]);
  rival.exec('DROP TRIGGER refuse');
  rival.close();
  gatekeeper.blocks.retry();
  expect(store.all()).toEqual([]);
  expect(events).toEqual(['blocked', 'trouble', 'block ended', 'recovered']);
});

test('trouble with the store ends by itself, even with nothing left to write', async () => {
  const { asked, gatekeeper, dbPath, events } = site();
  const rival = rawDatabase(dbPath);
  rival.exec('BEGIN IMMEDIATE');
  await asked('ip 192.0.2.1', 4);
  gatekeeper.unblock(address('192.0.2.1'));
  rival.exec('COMMIT');
  rival.close();
  gatekeeper.blocks.retry();
  expect(events).toEqual(['trouble', 'blocked', 'unblocked', 'recovered']);
});

test('while the store fails, all blocks that wait for it cost one attempt', () => {
  const { gatekeeper, store, dbPath } = site();
  const rival = rawDatabase(dbPath);
  rival.exec('BEGIN IMMEDIATE');
  for (const text of ['198.51.100.1', '198.51.100.2', '198.51.100.3']) {
    gatekeeper.block({ address: address(text), seconds: 60, reason: '' });
  }
  let attempts = 0;
  const add = store.add.bind(store);
  store.add = (block) => {
    attempts += 1;
    return add(block);
  };
  gatekeeper.blocks.retry();
  expect(attempts).toBe(1);
  rival.exec('COMMIT');
  rival.close();
  gatekeeper.blocks.retry();
  expect(store.all()).toHaveLength(3);
});

test('each failed attempt is counted, though the trouble is logged once', async () => {
  const { asked, gatekeeper, peers, events } = site();
  const counted = () => gatekeeper.health.tally('server').count;
  renameSync(peers, `${peers}.away`);
  await asked('ip 192.0.2.1', 4);
  const before = counted();
  expect(before).toBeGreaterThan(0);
  gatekeeper.blocks.retry();
  gatekeeper.blocks.retry();
  expect(counted()).toBeGreaterThanOrEqual(before + 2);
  expect(events).toEqual(['trouble', 'blocked']);
});

test('blocks that are over end in slices of time, and all of them in the end', () => {
  const { gatekeeper, time } = site();
  for (let last = 1; last <= 50; last += 1) {
    gatekeeper.block({ address: address(`198.51.100.${last}`), seconds: 60, reason: '' });
  }
  let nowMs = time.ms + 60_000;
  const tick = () => {
    nowMs += 1;
    return nowMs;
  };
  Object.defineProperty(time, 'ms', { get: tick });
  const ended = gatekeeper.blocks.reap().length;
  expect(ended).toBeGreaterThan(0);
  expect(ended).toBeLessThan(10);
  while (gatekeeper.blocks.size > 0) expect(gatekeeper.blocks.reap()).not.toEqual([]);
});
