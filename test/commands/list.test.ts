import { expect, test } from 'vitest';
import { localTime } from '../../src/commands/words.ts';
import { address } from '../core/blocks.ts';
import { commandSite as site } from './site.ts';

const config = `limits : { ip: ( ("*", 60, 3) ); net: ( ("*", 60, 4) ); };
  classes : { net: { prefix4: 24; dry_run: true; }; };
  blocking : { classes: ("ip", "net"); time: (120, 600); };`;

test('list shows blocks in the order in which they end, then those of dry runs', async () => {
  const { run, runJson, asked, gatekeeper, time } = site(config);
  await asked('ip 192.0.2.1', 4);
  gatekeeper.unblock(address('192.0.2.1'));
  await asked('ip 192.0.2.1', 4);
  gatekeeper.block({ address: address('203.0.113.0/24'), seconds: 60, reason: 'noise' });
  await asked('net 198.51.100.7', 5);
  const now = localTime(time.ms);
  const at = (seconds: number) => localTime(time.ms + seconds * 1000);
  expect(await run('list')).toEqual([
    0,
    'ADDRESS          CLASS  RATE     SINCE                      UNTIL                      LEFT  TIMES  SOURCE',
    `203.0.113.0/24   ip     -        ${now}  ${at(60)}  60s   1      operator`,
    `192.0.2.1        ip     4/3/60s  ${now}  ${at(600)}  600s  2      rate`,
    `198.51.100.0/24  net    5/4/60s  ${now}  ${at(120)}  120s  1      would block`,
  ]);
  const [operators, rated, dry] = await runJson('list');
  expect(operators).toEqual({
    address: '203.0.113.0/24',
    class: 'ip',
    since: '2001-09-09T01:46:40.000Z',
    until: '2001-09-09T01:47:40.000Z',
    secondsLeft: 60,
    count: 0,
    limit: 0,
    seconds: 0,
    times: 1,
    source: 'operator',
    dryRun: false,
    reason: 'noise',
    notPossible: [],
  });
  expect(rated).toMatchObject({ source: 'rate', times: 2, dryRun: false });
  expect(dry).toMatchObject({ address: '198.51.100.0/24', source: 'dry run', dryRun: true });
});

test('list leaves out blocks that have ended, and has a header even without blocks', async () => {
  const { run, runJson, asked, time } = site(config);
  await asked('ip 192.0.2.1', 4);
  await asked('net 192.0.2.1', 5);
  time.ms += 120_000;
  expect(await run('list')).toEqual([0, 'ADDRESS  CLASS  RATE  SINCE  UNTIL  LEFT  TIMES  SOURCE']);
  expect(await runJson('list')).toEqual([]);
});

test('list names the servers that have no way to refuse a block', async () => {
  const { run, runJson, gatekeeper, peers } = site(config);
  const seconds = 60;
  gatekeeper.block({ address: address('203.0.113.7'), seconds, reason: '' });
  gatekeeper.block({ address: address('203.0.112.0/20'), seconds, reason: '' });
  const server = `peers ${peers}`;
  const lines = (await run('list')).map(String);
  expect(lines[1]).toMatch(/ SOURCE +NOT POSSIBLE AT$/);
  expect(lines.find((line) => line.startsWith('203.0.113.7 '))).toMatch(/ operator +-$/);
  expect(lines.find((line) => line.startsWith('203.0.112.0/20 '))?.endsWith(` ${server}`)).toBe(
    true,
  );
  const told = (await runJson('list')) as { address: string; notPossible: string[] }[];
  expect(Object.fromEntries(told.map((each) => [each.address, each.notPossible]))).toEqual({
    '203.0.113.7': [],
    '203.0.112.0/20': [server],
  });
});
