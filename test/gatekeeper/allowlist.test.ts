/** Tests: src/gatekeeper/unblock-allowlisted.ts */
import { readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { address } from '../core/blocks.ts';
import { rawDatabase } from '../store/raw-database.ts';
import { configFrom, gatekeeperSite as site } from './site.ts';

const config = `limits : { ip: ( ("*", 60, 3) ); net: ( ("*", 60, 5) ); };
  classes : { ip: { also: ("net"); }; net: { prefix4: 24; }; };
  blocking : { classes: ("ip", "net"); time: 120; };`;
const one = address('192.0.2.1');

test('an allowlisted address is let in at once, for good or for a time', async () => {
  const { ask, asked, gatekeeper, peers, time } = site(config);
  await asked('ip 192.0.2.1', 4);
  expect(gatekeeper.allow(one, 60, '').lifted.map((block) => block.address.text)).toEqual([
    '192.0.2.1',
  ]);
  expect(readdirSync(peers)).toEqual([]);
  expect((await asked('ip 192.0.2.1', 9)).at(-1)).toBe('0 9/-');
  time.ms += 59_999;
  expect(await ask('ip 192.0.2.1')).toMatch(/^0 \d+\/-$/);
  time.ms += 1;
  expect(await ask('ip 192.0.2.1')).toMatch(/\/3\b/);
  gatekeeper.allow(one, undefined, '');
  time.ms += 1e12;
  expect(await ask('ip 192.0.2.1')).toBe('0 1/-');
});

test('an entry that is over is not listed, and leaves the store when another is added', () => {
  const { gatekeeper, store, time } = site(config);
  gatekeeper.allow(one, 60, '');
  time.ms += 60_000;
  expect(gatekeeper.allowlist.entries()).toEqual([]);
  expect(gatekeeper.allowlist.remove(address('192.0.2.9'))).toBe(false);
  gatekeeper.allow(address('192.0.2.9'), undefined, '');
  expect(store.allowances().map((entry) => entry.address.text)).toEqual(['192.0.2.9']);
});

test("an operator's entries survive a restart and another configuration", async () => {
  const { gatekeeper, start, asked } = site(config);
  await asked('ip 192.0.2.1', 4);
  gatekeeper.allow(address('192.0.2.0/28'), 60, 'a customer');
  gatekeeper.configure(configFrom(`${config} allow : ( "198.51.100.1" );`));
  expect(gatekeeper.allowlist.entries()).toMatchObject([
    { address: { text: '198.51.100.1' }, source: 'configuration', untilMs: undefined },
    { address: { text: '192.0.2.0/28' }, source: 'operator', reason: 'a customer' },
  ]);
  expect(start().allowlist.entries()).toMatchObject([{ reason: 'a customer' }]);
});

test('a removed entry no longer counts; that of the configuration stays', async () => {
  const { ask, gatekeeper, start } = site(`${config} allow : ( "192.0.2.1" );`);
  gatekeeper.allow(one, undefined, '');
  gatekeeper.allow(address('192.0.2.2'), undefined, '');
  for (const text of ['192.0.2.1', '192.0.2.2']) {
    expect(gatekeeper.allowlist.remove(address(text))).toBe(true);
    expect(gatekeeper.allowlist.remove(address(text))).toBe(false);
  }
  expect(await ask('ip 192.0.2.1')).toBe('0 1/-');
  expect(await ask('ip 192.0.2.2')).toBe('0 1/3');
  expect(start().allowlist.entries()).toHaveLength(1);
});

test('an allowlisted address keeps its network from being blocked, but its neighbours are refused', async () => {
  const { ask, asked, gatekeeper, peers } = site(`${config} allow : ( "192.0.2.1" );`);
  for (const last of [2, 3, 4, 5, 6]) expect(await ask(`ip 192.0.2.${last}`)).toMatch(/^0/);
  expect(await asked('ip 192.0.2.7', 2)).toEqual(['1 6/5', '1 7/5']);
  expect(await ask('ip 192.0.2.1')).toBe('0 1/-');
  expect([gatekeeper.blocks.size, readdirSync(peers)]).toEqual([0, []]);
});

test('an allowlisted address is counted by itself, at no cost to its neighbours', async () => {
  const { ask, asked } = site(`${config} allow : ( "192.0.2.1", "2001:db8::1" );`);
  await ask('ip 192.0.2.2');
  await asked('ip 192.0.2.1', 20);
  expect(await ask('net 192.0.2.2')).toBe('0 2/5');
  await ask('ip 2001:db8::2');
  await asked('ip 2001:db8::1', 20);
  expect(await ask('ip 2001:db8::2')).toBe('0 2/3');
});

test('allowlisting lifts the block of a network around the address, and of all inside', async () => {
  const { gatekeeper, asked, peers } = site(config);
  gatekeeper.block({ address: address('198.51.100.0/24'), seconds: 60, reason: '' });
  await asked('ip 192.0.2.1', 4);
  await asked('ip 192.0.2.2', 4);
  const texts = (network: string) =>
    gatekeeper.allow(address(network), 60, '').lifted.map((block) => block.address.text);
  expect(texts('198.51.100.7')).toEqual(['198.51.100.0/24']);
  expect(texts('192.0.2.0/30').sort()).toEqual(['192.0.2.0/24', '192.0.2.1']);
  expect(readdirSync(peers)).toEqual([]);
});

test('a start lifts the blocks of allowlisted addresses', async () => {
  const { asked, gatekeeper, store, start, peers } = site(config);
  await asked('ip 192.0.2.1', 4);
  store.allow({ address: one, sinceMs: 0, untilMs: undefined, reason: '' });
  expect(start().blocks.size).toBe(0);
  expect([gatekeeper.blocks.size, readdirSync(peers)]).toEqual([1, []]);
});

test('a server that does not let go stops neither start nor reload, and allow says so', async () => {
  const { asked, gatekeeper, start, peers } = site(config);
  await asked('ip 192.0.2.1', 4);
  renameSync(peers, `${peers}.away`);
  const store = join(peers, '..', 'store.db');
  renameSync(store, peers);
  const allowing = configFrom(`${config} allow : ( "192.0.2.0/25" );`);
  expect(() => gatekeeper.configure(allowing)).not.toThrow();
  expect(gatekeeper.allow(one, 60, '').fault?.detail).toMatch(/192\.0\.2\.1 stays blocked/);
  expect((await asked('ip 192.0.2.1', 1))[0]).toMatch(/^0 \d\/-$/);
  renameSync(peers, store);
  renameSync(`${peers}.away`, peers);
  expect(start().blocks.size).toBe(0);
});

test('while the store fails, entries stay in force until their time is over, and new ones do not count', async () => {
  const { ask, gatekeeper, dbPath, time } = site(config);
  gatekeeper.allow(one, 60, '');
  const rival = rawDatabase(dbPath);
  rival.exec('BEGIN IMMEDIATE');
  expect(await ask('ip 192.0.2.1')).toBe('0 1/-');
  time.ms += 60_000;
  expect(await ask('ip 192.0.2.1')).toBe('0 1/3');
  expect(() => gatekeeper.allow(address('192.0.2.2'), 60, '')).toThrow(/database not usable now/);
  expect(await ask('ip 192.0.2.2')).toBe('0 1/3');
  rival.exec('COMMIT');
  rival.close();
});
