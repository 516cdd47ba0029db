import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { localTime } from '../../src/commands/local-time.ts';
import { commandSite as site } from './site.ts';

const config = `limits : { ip: ( ("*", 60, 3) ); }; blocking : { time: 120; };
  allow : ( "198.51.100.0/24" );`;

test('allow add says for how long, and what it unblocked', async () => {
  const { run, asked } = site(config);
  await asked('ip 192.0.2.1', 4);
  await asked('ip 192.0.2.2', 4);
  expect(await run('allow add 203.0.113.1 2001:DB8::1', { for: '2h' })).toEqual([
    0,
    'allowed 203.0.113.1 for 2 hours',
    'allowed 2001:db8::1 for 2 hours',
  ]);
  expect(await run('allow add 192.0.2.0/24')).toEqual([
    0,
    'allowed 192.0.2.0/24 until it is taken back, unblocked 192.0.2.1, unblocked 192.0.2.2',
  ]);
});

test('allow list has both kinds of entries', async () => {
  const { run, runJson, time } = site(config);
  await run('allow add 192.0.2.1', { for: '60', reason: 'a "customer"' });
  const end = localTime(time.ms + 60_000);
  expect(await run('allow list')).toEqual([
    0,
    'ADDRESS          UNTIL                      SOURCE         REASON',
    '198.51.100.0/24  -                          configuration  -',
    `192.0.2.1        ${end}  operator       a "customer"`,
  ]);
  const since = '2001-09-09T01:46:40.000Z';
  expect(await runJson('allow list')).toEqual([
    { address: '198.51.100.0/24', since, until: null, reason: '', source: 'configuration' },
    {
      address: '192.0.2.1',
      since,
      until: '2001-09-09T01:47:40.000Z',
      reason: 'a "customer"',
      source: 'operator',
    },
  ]);
  time.ms += 60_000;
  expect((await run('allow list')).slice(2)).toEqual(['198.51.100.0/24  -      configuration  -']);
});

test('allow del takes back what an operator added, and says what still allows', async () => {
  const { run } = site(config);
  await run('allow add 192.0.2.1 198.51.100.7');
  expect(await run('allow del 192.0.2.1 198.51.100.7')).toEqual([
    0,
    'no longer allowed 192.0.2.1',
    'no longer allowed 198.51.100.7; 198.51.100.0/24 (configuration) still allows it',
  ]);
  await run('allow add 192.0.2.9');
  expect((await run('allow del 192.0.2.9 192.0.2.1'))[0]).toBe(0);
  expect(await run('allow del 192.0.2.1 198.51.100.0/24')).toEqual([
    1,
    '192.0.2.1: not added by an operator',
    '198.51.100.0/24: not added by an operator; 198.51.100.0/24 (configuration) still allows it',
  ]);
});

test('allow works on the store when the daemon is down', async () => {
  const { runOffline, start } = site(config);
  expect(await runOffline('allow add 192.0.2.1')).toEqual([
    0,
    'allowed 192.0.2.1 until it is taken back',
  ]);
  expect(start().allowlist.entries()).toHaveLength(2);
});

const wants = 'ipthrottle: error: wrong usage: allow wants: add ADDRESS..., del ADDRESS... or list';

test.each([
  ['allow add', wants],
  ['allow del', wants],
  ['allow list 192.0.2.1', wants],
  ['allow toString 192.0.2.1', wants],
  ['allow add 192.0.2.1 x', 'ipthrottle: error: wrong usage: not an address: x'],
])('%s is wrong usage and changes nothing', async (line, message) => {
  const { run, store, peers } = site(config);
  expect(await run(line)).toEqual([100, message]);
  expect([store.allowances(), readdirSync(peers)]).toEqual([[], []]);
});
