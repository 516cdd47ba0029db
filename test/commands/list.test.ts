/** Tests: src/commands/choose-blocks.ts */
import { expect, test } from 'vitest';
import type { CommandOptions } from '../../src/commands/command.ts';
import { localTime } from '../../src/commands/local-time.ts';
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
    'ADDRESS          CLASS  RATE     SINCE                      UNTIL                      LEFT  TIMES  SOURCE       REASON',
    `203.0.113.0/24   ip     -        ${now}  ${at(60)}  60s   1      operator     noise`,
    `192.0.2.1        ip     4/3/60s  ${now}  ${at(600)}  10m   2      rate         -`,
    `198.51.100.0/24  net    5/4/60s  ${now}  ${at(120)}  2m    1      would block  -`,
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

async function three() {
  const made = site(config);
  const { asked, gatekeeper, time } = made;
  await asked('ip 192.0.2.7', 4);
  time.ms += 1000;
  gatekeeper.block({ address: address('203.0.113.0/24'), seconds: 3600, reason: '' });
  time.ms += 1000;
  await asked('net 198.51.100.7', 5);
  const addresses = async (options: CommandOptions) => {
    const [exit, ...lines] = await made.run('list', { jsonl: true, ...options });
    expect(exit).toBe(0);
    return lines.map((line) => JSON.parse(String(line)).address as string);
  };
  return { ...made, addresses };
}

const [rated, operators, dry] = ['192.0.2.7', '203.0.113.0/24', '198.51.100.0/24'];

test.each([
  [{}, [rated, operators, dry]],
  [{ class: 'net' }, [dry]],
  [{ source: 'rate' }, [rated]],
  [{ source: 'operator' }, [operators]],
  [{ source: 'dry-run' }, [dry]],
  [{ network: '203.0.113.9' }, [operators]],
  [{ network: '192.0.0.0/8' }, [rated]],
  [{ network: '10.0.0.0/8' }, []],
  [{ sort: 'address' }, [rated, dry, operators]],
  [{ sort: 'since' }, [dry, operators, rated]],
  [{ sort: 'left' }, [rated, dry, operators]],
  [{ sort: 'class' }, [rated, operators, dry]],
  [{ sort: 'times' }, [rated, operators, dry]],
  [{ limit: '2' }, [rated, operators]],
  [{ limit: '1', sort: 'since', class: 'ip' }, [operators]],
])('list with %j', async (options, wanted) => {
  const { addresses } = await three();
  expect(await addresses(options as CommandOptions)).toEqual(wanted);
});

test.each([
  [{ class: 'nett' }, /no such class: nett; did you mean net\?/],
  [{ source: 'rates' }, /--source: not one of rate, operator, dry-run: rates/],
  [{ sort: 'constructor' }, /--sort: not one of left, since, address, class, times: constructor/],
  [{ limit: '0' }, /--limit: not a number of blocks: 0/],
  [{ network: '192.0.2.7/24' }, /did you mean 192\.0\.2\.0\/24 or 192\.0\.2\.7\?/],
])('list with %j is wrong usage', async (options, said) => {
  const { run } = await three();
  const [exit, line] = await run('list', options as CommandOptions);
  expect([exit, line]).toEqual([100, expect.stringMatching(said)]);
});

test('list sorts and shows many blocks, whose order is that of their ends', async () => {
  const { gatekeeper, runJson, run } = site(config);
  for (let at = 0; at < 1500; at += 1) {
    const seconds = 1000 + ((at * 7919) % 1500);
    const network = address(`10.0.${at >> 8}.${at & 255}`);
    gatekeeper.block({ address: network, seconds, reason: '' });
  }
  const left = ((await runJson('list')) as { secondsLeft: number }[]).map((one) => one.secondsLeft);
  expect(left).toEqual(Array.from({ length: 1500 }, (_, at) => 1000 + at));
  expect(await run('list')).toHaveLength(1 + 1 + 1500);
});
