import { expect, test } from 'vitest';
import { address } from '../core/blocks.ts';
import { session } from '../gatekeeper/site.ts';
import { commandSite } from './site.ts';

const config = `limits : { ip: ( ("*", (60, 3), (3600, 9)) ); net: ( ); };
  classes : { ip: { also: ("net"); concurrent: 2; }; net: { prefix4: 24; prefix6: 48; }; };
  blocking : { time: (120, 600); jitter: 50; };`;

function site(text = config) {
  const made = commandSite(text);
  /** Without the lines of the servers, which have the path of a directory. */
  const check = async (text: string) => {
    const lines = await made.run(`check ${text}`);
    return lines.filter((line) => !String(line).startsWith('  peers '));
  };
  return { ...made, check };
}

test('check explains limits, sessions, offences and the allowlist', async () => {
  const { check, ask } = site();
  await ask('ip 192.0.2.1', session());
  await ask('ip 192.0.2.2');
  expect(await check('192.0.2.1')).toEqual([
    0,
    '192.0.2.1: not blocked',
    '  class ip: 192.0.2.1: limit "*", 3 in 60 seconds, 1 now',
    '  class ip: 192.0.2.1: limit "*", 9 in 3600 seconds, 1 now',
    '  class ip: 192.0.2.1: 1 of 2 sessions open',
    '  class ip: 192.0.2.1: 0 offences remembered, the next one blocks for 2 minutes',
    '  class net: 192.0.2.0/24: no limit matches, unlimited in 90 seconds, 2 now',
    '  allowlist: no',
  ]);
});

test('check explains a block of the network by which an address is counted', async () => {
  const { check, ask, time } = site();
  for (const last of [1, 2, 3, 4]) await ask(`ip 2001:db8::${last}`);
  time.ms += 60_000;
  expect(await check('2001:db8::9')).toEqual([
    1,
    '2001:db8::9: blocked as part of 2001:db8::/64 for 60 seconds more',
    '  block: class ip, rate 4/3/60s, blocked 60 seconds ago, 60 seconds left, times 1',
    '  class ip: 2001:db8::/64: limit "*", 3 in 60 seconds, 0 now',
    '  class ip: 2001:db8::/64: limit "*", 9 in 3600 seconds, 4 now',
    '  class ip: 2001:db8::/64: 0 of 2 sessions open',
    '  class ip: 2001:db8::/64: 1 offence remembered, the next one blocks for 10 minutes',
    '  class net: 2001:db8::/48: no limit matches, unlimited in 90 seconds, 4 now',
    '  allowlist: no',
  ]);
});

test("check explains an operator's block", async () => {
  const { check, gatekeeper } = site();
  gatekeeper.block({ address: address('192.0.0.0/16'), seconds: 60, reason: 'noise' });
  expect((await check('192.0.2.1')).slice(0, 3)).toEqual([
    1,
    '192.0.2.1: blocked as part of 192.0.0.0/16 for 60 seconds more',
    '  block: by an operator, blocked 0 seconds ago, 60 seconds left, times 1, reason noise',
  ]);
});

test('check tells by which entry an address is allowlisted, and until when', async () => {
  const { check, gatekeeper } = site(`${config} allow : ( "198.51.100.0/24" );`);
  gatekeeper.allow(address('192.0.2.0/28'), 60, '');
  expect((await check('192.0.2.1')).at(-1)).toBe(
    '  allowlist: yes, by 192.0.2.0/28 (operator) until 2001-09-09 01:47:40+00:00',
  );
  expect((await check('198.51.100.9')).at(-1)).toBe(
    '  allowlist: yes, by 198.51.100.0/24 (configuration)',
  );
});

test('check tells what a dry run would do', async () => {
  const { check, asked } = site(config.replace('concurrent: 2', 'dry_run: true'));
  await asked('ip 192.0.2.1', 4);
  expect((await check('192.0.2.1')).slice(0, 6)).toEqual([
    0,
    '192.0.2.1: not blocked',
    '  class ip: 192.0.2.1: limit "*", 3 in 60 seconds, 4 now, dry run',
    '  class ip: 192.0.2.1: limit "*", 9 in 3600 seconds, 4 now, dry run',
    '  class ip: 192.0.2.1: would be blocked for 2 minutes more, rate 4/3/60s',
    '  class ip: 192.0.2.1: 0 offences remembered, the next one blocks for 2 minutes',
  ]);
});

test('without the daemon check tells everything but the counts', async () => {
  const { runOffline } = site();
  const lines = await runOffline('check 192.0.2.1');
  expect(lines).toContain(
    '  class ip: 192.0.2.1: limit "*", 3 in 60 seconds, count unknown: rater is not running',
  );
  expect(lines.join()).not.toMatch(/sessions/);
  expect(lines.join()).toMatch(/offences remembered/);
});

test('check --json has all of this', async () => {
  const { runJson, asked, peers } = site();
  await asked('ip 192.0.2.1', 4);
  const found = await runJson('check 192.0.2.1');
  expect(found).toMatchObject({
    address: '192.0.2.1',
    refused: true,
    block: { address: '192.0.2.1', times: 1, secondsLeft: 120, source: 'rate', dryRun: false },
    allowlisted: null,
    servers: [{ enforcer: `peers ${peers}`, standing: 'ours' }],
  });
  expect(found.limits).toEqual([
    {
      class: 'ip',
      value: '192.0.2.1',
      pattern: '*',
      rates: [
        { seconds: 60, count: 3 },
        { seconds: 3600, count: 9 },
      ],
      counts: [4, 4],
      sessions: 0,
      concurrent: 2,
      dryRun: false,
      wouldBlock: null,
      offences: 1,
      nextSeconds: 600,
    },
    {
      class: 'net',
      value: '192.0.2.0/24',
      pattern: null,
      rates: [{ seconds: 90, count: -1 }],
      counts: [4],
      sessions: 0,
      concurrent: null,
      dryRun: false,
      wouldBlock: null,
      offences: null,
      nextSeconds: null,
    },
  ]);
});
