import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import type { Config } from '../src/config/config.ts';
import type { LimitClass } from '../src/core/limits.ts';
import { addressPattern, globPattern } from '../src/core/pattern.ts';
import { MemoryCounters } from '../src/counters/memory-counters.ts';
import type { Enforcer } from '../src/enforcers/enforcer.ts';
import { PeersDirectory } from '../src/enforcers/peers-directory.ts';
import { Gatekeeper } from '../src/gatekeeper.ts';
import { SqliteStore } from '../src/store/sqlite-store.ts';
import type { Store } from '../src/store/store.ts';
import { replyLine } from '../src/wire/reply.ts';
import { address } from './blocks.ts';
import { temporaryDirectory } from './temporary-directory.ts';

function limitClass(name: string, addresses: boolean, text: string, count: number): LimitClass {
  const pattern = (addresses ? addressPattern(text) : undefined) ?? globPattern(text);
  return { name, addresses, limits: [{ pattern, rates: [{ seconds: 60, count }] }] };
}

function configWith(changes: Partial<Config> = {}): Config {
  return {
    file: '/etc/ipthrottle/rater.conf',
    settings: { maxAge: 90 } as Config['settings'],
    classes: new Map([
      ['ip', limitClass('ip', true, '192.0.2.0/24', 3)],
      ['user', limitClass('user', false, 'r*', 3)],
    ]),
    blocking: { classes: new Set(['ip']), seconds: 120, peers: undefined, tcprules: undefined },
    allow: [address('192.0.2.128/25')],
    ...changes,
  };
}

/** A gatekeeper on a real store and a real peers directory, with a clock that the test moves. */
function site(config = configWith(), wrap: (enforcer: Enforcer) => Enforcer = (same) => same) {
  const directory = temporaryDirectory();
  const peers = join(directory, 'peers');
  mkdirSync(peers);
  const time = { ms: 1_000_000_000_000 };
  const events: string[] = [];
  const log = (event: string) => void events.push(event);
  const dbPath = join(directory, 'store.db');
  const store: Store = new SqliteStore(dbPath);
  const start = () => {
    const gatekeeper = new Gatekeeper({
      config,
      store,
      counters: new MemoryCounters(),
      enforcers: [wrap(new PeersDirectory({ directory: peers, timeoutSeconds: undefined }))],
      log: { debug() {}, info: log, warn: log, error: log },
      clock: { wallMs: () => time.ms, monotonicMs: () => time.ms },
    });
    gatekeeper.start();
    return gatekeeper;
  };
  const gatekeeper = start();
  const ask = async (line: string) => {
    const [name = '', value = ''] = line.split(' ');
    return replyLine(await gatekeeper.mark({ class: name, value })).trimEnd();
  };
  return { gatekeeper, start, ask, store, time, peers, dbPath, events };
}

async function asked(ask: (line: string) => Promise<string>, line: string, times: number) {
  const replies: string[] = [];
  for (let turn = 0; turn < times; turn += 1) replies.push(await ask(line));
  return replies;
}

test('the limit passes, then the address is blocked in store and peers directory', async () => {
  const { ask, store, peers } = site();
  expect(await asked(ask, 'ip 192.0.2.1', 5)).toEqual([
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
  const { gatekeeper, store } = site(configWith(), (real) => {
    const impose: Enforcer['impose'] = (block) => {
      seen.push(store.get(block.address)?.untilMs);
      return real.impose(block);
    };
    return { ...real, name: real.name, impose, reconcile() {}, flush() {}, close() {} };
  });
  for (let turn = 0; turn < 4; turn += 1)
    await gatekeeper.mark({ class: 'ip', value: '192.0.2.1' });
  expect(seen).toEqual([1_000_000_120_000]);
});

test('other spellings of an address are the same address', async () => {
  const { ask } = site();
  await asked(ask, 'ip 192.0.2.1', 2);
  expect(await ask('ip ::ffff:192.0.2.1')).toBe('0 3/3');
});

test('the block ends at its time and the count starts anew', async () => {
  const { ask, time, peers, gatekeeper } = site();
  await asked(ask, 'ip 192.0.2.1', 4);
  time.ms += 119_999;
  expect(await ask('ip 192.0.2.1')).toBe('1 1/3 1');
  time.ms += 1;
  expect(await ask('ip 192.0.2.1')).toBe('0 1/3');
  expect([readdirSync(peers), gatekeeper.blocks.size]).toEqual([[], 0]);
});

test('reap ends what is over and nothing else', async () => {
  const { ask, time, gatekeeper, peers } = site();
  await asked(ask, 'ip 192.0.2.1', 4);
  time.ms += 60_000;
  await asked(ask, 'ip 192.0.2.2', 4);
  time.ms += 60_000;
  expect(gatekeeper.blocks.reap().map((block) => block.address.text)).toEqual(['192.0.2.1']);
  expect(readdirSync(peers)).toEqual(['192.0.2.2']);
  expect(gatekeeper.blocks.nextEndMs()).toBe(time.ms + 60_000);
});

test('a class that blocks nothing refuses while the window is full, and classes are apart', async () => {
  const { ask, peers, time } = site();
  await asked(ask, 'ip 192.0.2.1', 3);
  expect(await asked(ask, 'user rosario', 4)).toEqual(['0 1/3', '0 2/3', '0 3/3', '1 4/3']);
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
  const { ask, peers } = site();
  expect(await asked(ask, line, 5)).toEqual(Array(5).fill(reply));
  expect(readdirSync(peers)).toEqual([]);
});

test('a value that no limit matches is counted and unlimited', async () => {
  const { ask } = site();
  expect((await asked(ask, 'ip 203.0.113.1', 9)).at(-1)).toBe('0 9/-');
  expect((await asked(ask, 'user xaver', 9)).at(-1)).toBe('0 9/-');
});

test('an allowlisted address is never refused and cannot be blocked, even as part of a network', async () => {
  const { ask, gatekeeper, peers } = site();
  expect((await asked(ask, 'ip 192.0.2.200', 9)).at(-1)).toBe('0 9/-');
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

test('unblocking forgets what was counted', async () => {
  const { ask, gatekeeper } = site();
  await asked(ask, 'ip 192.0.2.1', 4);
  gatekeeper.unblock(address('192.0.2.1'));
  expect(await ask('ip 192.0.2.1')).toBe('0 1/3');
});

test('an address allowlisted by a new configuration is let in at once', async () => {
  const { ask, gatekeeper, peers } = site();
  await asked(ask, 'ip 192.0.2.1', 4);
  gatekeeper.configure(configWith({ allow: [address('192.0.2.1')] }));
  expect(await ask('ip 192.0.2.1')).toMatch(/^0 1\/-/);
  expect(readdirSync(peers)).toEqual([]);
});

test('a restart puts remembered blocks in force and ends those that are over', async () => {
  const { ask, gatekeeper, start, time, peers } = site();
  await asked(ask, 'ip 192.0.2.1', 4);
  time.ms += 60_000;
  await asked(ask, 'ip 192.0.2.2', 4);
  gatekeeper.blocks.all();
  time.ms += 60_000;
  const again = start();
  expect(again.blocks.all().map((block) => block.address.text)).toEqual(['192.0.2.2']);
  expect(readdirSync(peers)).toEqual(['192.0.2.2']);
});

test('while the peers directory is away the daemon refuses itself, and mends it afterwards', async () => {
  const { ask, gatekeeper, peers, events } = site();
  renameSync(peers, `${peers}.away`);
  expect((await asked(ask, 'ip 192.0.2.1', 5)).slice(3)).toEqual(['1 4/3 120', '1 5/3 120']);
  expect([...gatekeeper.blocks.troubles.current.values()].join()).toMatch(/ENOENT/);
  renameSync(`${peers}.away`, peers);
  gatekeeper.blocks.tend();
  expect(readdirSync(peers)).toEqual(['192.0.2.1']);
  expect(gatekeeper.blocks.troubles.current.size).toBe(0);
  expect(events).toEqual(['trouble', 'blocked', 'recovered']);
});

test('a block that cannot be lifted stays remembered until it can', async () => {
  const { ask, gatekeeper, peers, time, store } = site();
  await asked(ask, 'ip 192.0.2.1', 4);
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
  expect(gatekeeper.blocks.reap()).toHaveLength(1);
  expect([store.all(), readdirSync(peers)]).toEqual([[], []]);
});

test('a store that takes nothing stops neither counting nor blocking, and gets it all later', async () => {
  const { ask, gatekeeper, store, dbPath, peers } = site();
  const rival = new Database(dbPath);
  rival.exec('BEGIN IMMEDIATE');
  expect((await asked(ask, 'ip 192.0.2.1', 4)).at(-1)).toMatch(/^1 4\/3/);
  expect(existsSync(join(peers, '192.0.2.1'))).toBe(true);
  expect(store.all()).toEqual([]);
  rival.exec('COMMIT');
  rival.close();
  gatekeeper.blocks.tend();
  expect(store.all().map((block) => block.address.text)).toEqual(['192.0.2.1']);
});

test('inspect tells limit, count, block and whose entry refuses, and makes no mark', async () => {
  const { ask, gatekeeper } = site();
  await asked(ask, 'ip 192.0.2.1', 2);
  const [before, again] = [
    await gatekeeper.inspect(address('192.0.2.1')),
    await gatekeeper.inspect(address('192.0.2.1')),
  ];
  expect(before.usages).toMatchObject([{ class: 'ip', pattern: '192.0.2.0/24', counts: [2] }]);
  expect(again.usages).toEqual(before.usages);
  expect(before.standings.map(({ standing }) => standing)).toEqual(['absent']);
  await asked(ask, 'ip 192.0.2.1', 2);
  const blocked = await gatekeeper.inspect(address('192.0.2.1'));
  expect(blocked.block?.count).toBe(4);
  expect(blocked.standings.map(({ standing }) => standing)).toEqual(['ours']);
});
