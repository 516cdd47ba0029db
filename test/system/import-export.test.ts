/**
 * Blocks and allowances go out and come in again unchanged, with rater and without it; lists of other
 * programs are read; and a mistake keeps everything out.
 *
 * Tests: src/cli/export.ts, src/cli/import.ts, src/cli/import-formats.ts
 * Tests: src/commands/import-entries.ts
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { root } from '../docs/manual-page.ts';
import { missing, unless } from '../run/unless.ts';
import { Site } from './site.ts';
import { Terminal } from './terminal.ts';

let site: Site;

afterEach(() => site.stop());

async function filled() {
  site = new Site({ allow: ['127.0.0.1'] });
  const rater = await site.startRater();
  await site.ipthrottle('block', '192.0.2.1', '--for', '1h', '--reason', 'a\nb "c"');
  await site.ipthrottle('block', '2001:db8::/32', '192.0.2.3', '--for', '7d');
  await site.ipthrottle('allow', 'add', '198.51.100.0/24', '--reason', 'a partner');
  await site.ipthrottle('allow', 'add', '198.51.100.1', '--for', '1d');
  return rater;
}

async function exported(...args: string[]): Promise<string> {
  const { exit, stdout, stderr } = await site.ipthrottle('export', ...args);
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
  return stdout;
}

async function clear(): Promise<void> {
  await site.ipthrottle('unblock', '--all');
  await site.ipthrottle('allow', 'del', '198.51.100.0/24', '198.51.100.1');
  expect(await exported()).toBe('');
}

/** Imports a text as a file. */
function imported(text: string, ...args: string[]) {
  writeFileSync(site.path('list'), text);
  return site.ipthrottle('import', ...args, site.path('list'));
}

test.each(['lines', 'json'])('export, import and export as %s is the same', async (format) => {
  const rater = await filled();
  const before = await exported('--format', format);
  expect(before).toContain('2001:db8::/32');
  await clear();
  expect(await imported(before)).toEqual({
    exit: 0,
    stdout: 'imported 3 blocks and 2 allowances\n',
    stderr: '',
  });
  expect(await exported('--format', format)).toBe(before);
  await clear();
  await rater.killedBy('SIGTERM');
  expect((await imported(before)).stdout).toBe('imported 3 blocks and 2 allowances\n');
  expect(await exported('--format', format)).toBe(before);
});

test('what is exported for others has the blocks, and is read again', async () => {
  await filled();
  expect(await exported('--format', 'addresses')).toBe('192.0.2.1\n192.0.2.3\n2001:db8::/32\n');
  const decisions = await exported('--format', 'crowdsec');
  expect(JSON.parse(decisions)[2]).toEqual({
    duration: expect.stringMatching(/^60\d{4}s$/),
    scope: 'Range',
    value: '2001:db8::/32',
    type: 'ban',
    reason: 'ipthrottle',
  });
  expect((await imported(decisions)).stdout).toBe('imported 3 blocks and 0 allowances\n');
});

/** As the tools of CrowdSec 1.6 write and read them. */
const listJson = [
  {
    id: 7,
    source: { scope: 'Ip', value: '203.0.113.1' },
    decisions: [
      {
        duration: '3h59m50s',
        id: 9,
        origin: 'crowdsec',
        scenario: 'crowdsecurity/postfix-spam',
        scope: 'Ip',
        simulated: false,
        type: 'ban',
        value: '203.0.113.1',
      },
    ],
  },
  { decisions: [{ duration: '4h', scope: 'Country', type: 'ban', value: 'XX', scenario: 'x' }] },
  { decisions: [{ duration: '4h', scope: 'Ip', type: 'captcha', value: '203.0.113.9' }] },
  { decisions: [{ duration: '-2m', scope: 'Ip', type: 'ban', value: '203.0.113.8' }] },
  { decisions: [{ duration: '4h', scope: 'username', type: 'ban', value: 'joe' }] },
  {
    decisions: [
      { duration: '4h', scope: 'Ip', type: 'ban', value: '203.0.113.7', simulated: true },
    ],
  },
];
const listRaw = `id,source,ip,reason,action,country,as,events_count,expiration,simulated,alert_id
9,crowdsec,Ip:203.0.113.1,crowdsecurity/postfix-spam,ban,US,"64496 Example, Inc.",6,3h59m50s,false,7
8,cscli,Country:XX,manual,ban,,,1,4h0m0s,false,6
7,cscli,Ip:203.0.113.9,manual,captcha,,,1,4h0m0s,false,6
6,cscli,Ip:203.0.113.8,manual,ban,,,1,-2m,false,6
5,cscli,username:joe,manual,ban,,,1,4h0m0s,false,5
4,crowdsec,Ip:203.0.113.7,manual,ban,,,1,4h0m0s,true,4
`;

test.each([
  ['-o json', JSON.stringify(listJson)],
  ['-o raw', listRaw],
])('what cscli decisions list %s prints is read', async (_, text) => {
  site = new Site();
  await site.startRater();
  const { exit, stdout, stderr } = await imported(text);
  expect([exit, stdout]).toEqual([
    0,
    'imported 1 block and 0 allowances; left out 1 that is over\n',
  ]);
  expect(stderr.split('\n').map((line) => line.replace(/^.*(list: )/, '$1'))).toEqual([
    expect.stringMatching(/not an address but a Country: XX$/),
    expect.stringMatching(/not a ban but a captcha$/),
    expect.stringMatching(/not an address but a username: joe$/),
    expect.stringMatching(/only simulated: 203\.0\.113\.7$/),
    '',
  ]);
  const [block] = await site.list();
  expect(block).toMatchObject({ address: '203.0.113.1', reason: 'crowdsecurity/postfix-spam' });
  expect(block?.secondsLeft).toBeGreaterThan(3 * 3600);
  expect(block?.secondsLeft).toBeLessThanOrEqual(4 * 3600);
});

test('what cscli decisions import reads as CSV is read, and an empty list', async () => {
  site = new Site();
  await site.startRater();
  const csv = 'duration,scope,value\n24h,ip,192.0.2.1\n48h,range,198.51.100.0/24\n';
  expect((await imported(csv)).stdout).toBe('imported 2 blocks and 0 allowances\n');
  expect((await imported('null\n')).stdout).toBe('imported 0 blocks and 0 allowances\n');
});

describe('what fail2ban-client prints', unless(missing('fail2ban-client')), () => {
  test.each([
    ['status', ['status', 'mail']],
    ['banned', ['banned']],
    ['get banip --with-time', ['get', 'mail', 'banip', '--with-time']],
  ])('for %s is read', async (_, words) => {
    site = new Site();
    await site.startRater();
    const at = (name: string) => site.path('fail2ban', name);
    mkdirSync(at('action.d'), { recursive: true });
    mkdirSync(at('filter.d'));
    const definition = [
      'loglevel = INFO',
      `logtarget = ${at('log')}`,
      'dbfile = None',
      'dbpurgeage = 1d',
    ];
    writeFileSync(at('fail2ban.conf'), ['[Definition]', ...definition, ''].join('\n'));
    const jail = [
      'enabled = true',
      'backend = polling',
      'filter = mail',
      `logpath = ${at('mail')}`,
    ];
    writeFileSync(at('jail.conf'), ['[mail]', ...jail, 'bantime = 2h', 'action =', ''].join('\n'));
    writeFileSync(at('filter.d/mail.conf'), '[Definition]\nfailregex = ^bad <HOST>$\n');
    writeFileSync(at('mail'), '');
    const client = (...args: string[]) => {
      const common = ['-c', at(''), '-s', at('socket'), '-p', at('pid')];
      return spawnSync('fail2ban-client', [...common, ...args], { encoding: 'utf8' }).stdout;
    };
    try {
      expect(client('start')).toContain('Server ready');
      client('set', 'mail', 'banip', '192.0.2.1', '2001:db8::1');
      expect((await imported(client(...words), '--for', '1h')).stdout).toBe(
        'imported 2 blocks and 0 allowances\n',
      );
      const blocks = await site.list();
      expect(blocks.map((block) => block.address).sort()).toEqual(['192.0.2.1', '2001:db8::1']);
      const most = words.includes('--with-time') ? 7200 : 3600;
      for (const { secondsLeft } of blocks) expect(secondsLeft).toBeLessThanOrEqual(most);
      for (const { secondsLeft } of blocks) expect(secondsLeft).toBeGreaterThan(most / 2);
    } finally {
      client('stop');
    }
  });
});

test.each([
  [
    '# ours\n192.0.2.1\nnonsense\nblock 192.0.2.2 never\nblock 0.0.0.0/0\n',
    ['line 3: not an address: nonsense', 'line 4: not an instant', 'line 5: 0.0.0.0/0 is wider'],
  ],
  ['[{"kind":"block","address":"x"},1]', ['item 1: not an address: x', 'item 2: not an object']],
  ['[{"scope":"Ip"', ['json: ']],
  [
    'value,duration\n192.0.2.1,4h\n192.0.2.2\nx,soon\n',
    ['line 3: has 1 cells', 'line 4: not a duration: soon'],
  ],
  ['Status\n|- Number of jail:\t1\n', ['fail2ban: no list of banned addresses']],
])('all mistakes of %j are told at once, and nothing is imported', async (text, wanted) => {
  site = new Site();
  await site.startRater();
  const { exit, stdout, stderr } = await imported(text);
  const [first, ...mistakes] = stderr.trimEnd().split('\n');
  expect([exit, stdout]).toEqual([100, '']);
  expect(first).toMatch(/^ipthrottle: error: wrong usage: nothing was imported: \d mistakes?$/);
  expect(mistakes.map((line) => line.replace(`${site.path('list')}: `, ''))).toEqual(
    wanted.map((what) => expect.stringContaining(what)),
  );
  expect(await site.list()).toEqual([]);
});

test.each(['with', 'without'])('the history tells who has imported, %s rater', async (kind) => {
  site = new Site();
  const rater = await site.startRater();
  if (kind === 'without') await rater.killedBy('SIGTERM');
  expect(await imported('allow 192.0.2.1\nblock 192.0.2.2\n')).toMatchObject({ exit: 0 });
  const { stdout } = await site.ipthrottle('history', '192.0.2.0/24', '--jsonl');
  const events = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(events).toMatchObject([
    { event: 'allowed', value: '192.0.2.1', by: userInfo().username },
    { event: 'blocked', value: '192.0.2.2', by: userInfo().username },
  ]);
});

test('a list that is imported again and again is an offence once', async () => {
  site = new Site();
  await site.startRater();
  for (let turn = 0; turn < 3; turn += 1) await imported('192.0.2.7\n', '--for', '1h');
  expect(await site.list()).toMatchObject([{ address: '192.0.2.7', times: 1 }]);
  await site.ipthrottle('block', '192.0.2.7');
  await imported('192.0.2.7\n', '--for', '1h');
  expect(await site.list()).toMatchObject([{ address: '192.0.2.7', times: 2 }]);
});

test('any number of mistakes is told, and cells of any length are a mistake at most', async () => {
  site = new Site();
  const many = await imported('x\n'.repeat(200_000));
  expect(many.exit).toBe(100);
  expect(many.stderr).toMatch(/^.*nothing was imported: 200000 mistakes\n.*line 1: .*\n/);
  const long = await imported(`value,reason\n192.0.2.1,"${'x'.repeat(10_000_000)}"\n`);
  expect(long).toMatchObject({ exit: 100, stderr: expect.stringContaining('line 2: is longer') });
});

test('what is exported to a full disk is not all there, which is said', async () => {
  await filled();
  const command = `"$0" "$1" -c "$2" export >/dev/full`;
  const args = [process.execPath, join(root, 'bin/ipthrottle'), site.path('rater.conf')];
  const { status, stderr } = spawnSync('sh', ['-c', command, ...args], { encoding: 'utf8' });
  expect(stderr).toMatch(/^ipthrottle: error: cannot write to stdout: ENOSPC: .*\n$/);
  expect(status).toBe(111);
});

test('blocks of allowlisted addresses are left out, which is said', async () => {
  site = new Site({ allow: ['192.0.2.0/28'] });
  await site.startRater();
  expect(await imported('192.0.2.1\n192.0.2.100\nallow 192.0.2.101\nblock 192.0.2.101\n')).toEqual({
    exit: 0,
    stdout: 'imported 1 block and 1 allowance\n',
    stderr: [
      'ipthrottle: warning: 192.0.2.1: not blocked: allowlisted by 192.0.2.0/28\n',
      'ipthrottle: warning: 192.0.2.101: not blocked: allowlisted by 192.0.2.101\n',
    ].join(''),
  });
});

test('a list of many calls is imported whole, and a terminal sees how far it is', async () => {
  site = new Site();
  await site.startRater();
  const addresses = Array.from({ length: 9000 }, (_, at) => `10.1.${at >> 8}.${at & 255}\n`);
  writeFileSync(site.path('list'), addresses.join(''));
  const command = [process.execPath, join(root, 'bin/ipthrottle'), '-c', site.path('rater.conf')];
  const terminal = new Terminal({ command: [...command, 'import', site.path('list')] });
  expect(await terminal.ends()).toBe(0);
  expect(terminal.said).toMatch(/\rimported \d+ of 9000/);
  expect(terminal.said).toMatch(/imported 9000 blocks and 0 allowances\n$/);
  expect((await site.ipthrottle('list', '--limit', '1', '--jsonl')).stdout).toContain('"10.1.');
  expect(JSON.parse((await site.ipthrottle('status', '--json')).stdout).blocks).toBe(9000);
});

test('what ends in the middle says how much was imported', async () => {
  site = new Site();
  const rater = await site.startRater();
  const addresses = Array.from({ length: 60_000 }, (_, at) => `10.1.${at >> 8}.${at & 255}\n`);
  writeFileSync(site.path('list'), addresses.join(''));
  const command = [process.execPath, join(root, 'bin/ipthrottle'), '-c', site.path('rater.conf')];
  const terminal = new Terminal({ command: [...command, 'import', site.path('list')] });
  await terminal.shows(/imported \d+ of 60000/);
  await rater.killedBy('SIGKILL');
  const exit = await terminal.ends();
  if (exit === 111)
    expect(terminal.said).toMatch(/imported \d+ blocks and 0 allowances, and then: /);
  else expect(terminal.said).toMatch(/imported 60000 blocks and 0 allowances\n$/);
});
