import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { address } from '../core/blocks.ts';
import { commandSite as site } from './site.ts';

const config = `limits : { ip: ( ("*", 60, 3) ); net: ( ("*", 60, 50) ); };
  classes : { net: { prefix4: 24; }; }; blocking : { time: 120; };`;

test('unblock says what it lifted', async () => {
  const { run, asked, ask, time } = site(config);
  await asked('ip 192.0.2.1', 4);
  for (const last of [1, 2, 3, 4]) await ask(`ip 2001:db8::${last}`);
  time.ms += 30_000;
  expect(await run('unblock 192.0.2.1 2001:db8::9 192.0.2.2')).toEqual([
    0,
    'unblocked 192.0.2.1 (blocked 30 seconds ago, 90 seconds left)',
    'unblocked 2001:db8::/64 (blocked 30 seconds ago, 90 seconds left)',
    '192.0.2.2: not blocked',
  ]);
  expect(await run('unblock 192.0.2.1')).toEqual([1, '192.0.2.1: not blocked']);
});

test('unblock says when a wider block keeps the address out', async () => {
  const { run, gatekeeper } = site(config.replace('"*", 60, 50', '"10.*", 60, 50'));
  gatekeeper.block({ address: address('192.0.0.0/16'), seconds: 120, reason: '' });
  gatekeeper.block({ address: address('192.0.2.1'), seconds: 120, reason: '' });
  const wider = '192.0.2.1: lies in 192.0.0.0/16, which is blocked';
  expect(await run('unblock 192.0.2.1')).toEqual([
    0,
    'unblocked 192.0.2.1 (blocked 0 seconds ago, 2 minutes left)',
    wider,
  ]);
  expect(await run('unblock 192.0.2.1')).toEqual([
    1,
    '192.0.2.1: has no block of its own, but lies in 192.0.0.0/16, which is blocked',
  ]);
});

test('unblock says when a file that is not, or no longer, ours keeps the address out', async () => {
  const { run, asked, peers } = site(config);
  const theirs = (last: number) => {
    const what = "has an entry of the administrator's that refuses it";
    return `192.0.2.${last}: peers ${peers} ${what}`;
  };
  await asked('ip 192.0.2.1', 4);
  utimesSync(join(peers, '192.0.2.1'), 1, 1);
  writeFileSync(join(peers, '192.0.2.2'), '', { mode: 0o200 });
  const [exit, ...lines] = await run('unblock 192.0.2.1 192.0.2.2');
  expect(exit).toBe(0);
  expect(lines.slice(1)).toEqual([theirs(1), '192.0.2.2: not blocked', theirs(2)]);
});

test('other clients are served while very many blocks are lifted', async () => {
  const { run, gatekeeper, time } = site(config);
  for (let last = 0; last < 20; last += 1) {
    gatekeeper.block({ address: address(`192.0.2.${last}`), seconds: 120, reason: '' });
  }
  // Each look at the clock takes longer than a slice may.
  const clock = { wallMs: () => time.ms, monotonicMs: () => (time.ms += 10) };
  const left: number[] = [];
  const look = () => {
    left.push(gatekeeper.blocks.size);
    if (gatekeeper.blocks.size > 0) setImmediate(look);
  };
  setImmediate(look);
  await run('unblock', { all: true }, { clock });
  expect(left.length).toBeGreaterThan(10);
});

test('unblock --grace exempts the address from blocks for a while', async () => {
  const { run, asked, ask, time, gatekeeper } = site(config);
  await asked('ip 192.0.2.1', 4);
  expect(await run('unblock 192.0.2.1', { grace: '1h' })).toEqual([
    0,
    'unblocked 192.0.2.1 (blocked 0 seconds ago, 2 minutes left)',
    '192.0.2.1: not refused for 1 hour',
  ]);
  expect(gatekeeper.allowlist.entries()).toMatchObject([{ reason: 'grace after unblock' }]);
  expect((await asked('ip 192.0.2.1', 9)).at(-1)).toBe('0 9/-');
  time.ms += 3_600_000;
  expect((await asked('ip 192.0.2.1', 4)).at(-1)).toBe('1 4/3 120');
  expect(await ask('ip 192.0.2.2')).toBe('0 1/3');
});

test('a grace is for the network that was blocked', async () => {
  const { run, ask, asked } = site(config);
  for (const last of [1, 2, 3, 4]) await ask(`ip 2001:db8::${last}`);
  expect((await run('unblock 2001:db8::1', { grace: '60' })).at(-1)).toBe(
    '2001:db8::/64: not refused for 60 seconds',
  );
  expect((await asked('ip 2001:db8::7', 9)).at(-1)).toBe('0 9/-');
});

test('a grace lifts a wider block, because nothing less would let the address in', async () => {
  const { run, gatekeeper } = site(config);
  gatekeeper.block({ address: address('192.0.0.0/16'), seconds: 120, reason: '' });
  expect(await run('unblock 192.0.2.1', { grace: '60' })).toEqual([
    0,
    'unblocked 192.0.0.0/16 (blocked 0 seconds ago, 2 minutes left)',
    '192.0.2.1: not refused for 60 seconds',
  ]);
});

test('an address that is not blocked gets a grace, too', async () => {
  const { run, asked } = site(config);
  expect(await run('unblock 192.0.2.1', { grace: '60' })).toEqual([
    1,
    '192.0.2.1: not blocked',
    '192.0.2.1: not refused for 60 seconds',
  ]);
  expect((await asked('ip 192.0.2.1', 9)).at(-1)).toBe('0 9/-');
});

test('unblock --all lifts every block, with a grace for each', async () => {
  const { run, asked, gatekeeper } = site(config);
  expect(await run('unblock', { all: true })).toEqual([1, 'nothing is blocked']);
  await asked('ip 192.0.2.1', 4);
  await asked('ip 192.0.2.2', 4);
  expect((await run('unblock', { all: true, grace: '60' })).slice(1)).toHaveLength(4);
  expect([gatekeeper.blocks.size, gatekeeper.allowlist.entries().length]).toEqual([0, 2]);
});

test.each([
  ['unblock', {}, 'unblock wants addresses, or --all'],
  ['unblock 192.0.2.1', { all: true }, 'unblock wants addresses, or --all'],
  [
    'unblock 192.0.2.1',
    { grace: '0' },
    'not a time between 1s and 366d: 0; write seconds, or a number with s, m, h, d or w, as in 90s',
  ],
])('%s %j is wrong usage', async (line, options, message) => {
  const { run, asked, gatekeeper } = site(config);
  await asked('ip 192.0.2.1', 4);
  expect(await run(line, options)).toEqual([100, `ipthrottle: error: wrong usage: ${message}`]);
  expect(gatekeeper.blocks.size).toBe(1);
});
