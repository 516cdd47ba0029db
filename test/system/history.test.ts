/**
 * What happened is kept by the real daemon and by ipthrottle without it: who did what and why, also
 * when rater is killed and when the database cannot be written.
 *
 * Tests: src/cli/operator-name.ts
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { operatorName } from '../../src/cli/operator-name.ts';
import { freePort } from '../run/free-port.ts';
import { missing, unless } from '../run/unless.ts';
import { column, rawDatabase } from '../store/raw-database.ts';
import { burst, greeted } from './connections.ts';
import { ask } from './line-client.ts';
import { until } from './running-program.ts';
import { type Plan, Site } from './site.ts';

type Told = {
  readonly time: string;
  readonly event: string;
  readonly class: string | null;
  readonly value: string | null;
  readonly by: string | null;
  readonly reason: string | null;
  readonly forSeconds: number | null;
  readonly count: number;
  readonly times: number;
};

const noServer = missing('tcpsvd');
const me = userInfo().username;
const sudo = ['SUDO_USER=alice'];
const asAlice = me === 'alice' ? me : `alice as ${me}`;

let site: Site;

afterEach(() => site?.stop());

async function history(...args: string[]): Promise<Told[]> {
  const { stdout } = await site.ipthrottle('history', '--json', ...args);
  return JSON.parse(stdout) as Told[];
}

async function events(...args: string[]): Promise<string[]> {
  return (await history(...args)).map(({ event, value }) => `${event} ${value ?? '-'}`);
}

async function start(plan: Plan = {}) {
  site = new Site(plan);
  return site.startRater();
}

/** Hits of a client, by the socket for checks. */
function hit(address: string, times: number): Promise<string> {
  return ask({ path: site.path('rater.sock') }, [`ip ${address}\n`.repeat(times)]);
}

/** How many events are in the database, whoever has it open. */
function stored(what = ''): number {
  const database = rawDatabase(site.path('blocks.db'), { readonly: true });
  try {
    return column(database, `SELECT count(*) FROM events ${what}`)[0] as number;
  } finally {
    database.close();
  }
}

describe('by whom and why', () => {
  test(
    'a limit blocks, rater ends it, an operator unblocks, and a file is removed',
    unless(noServer),
    async () => {
      await start({ seconds: 2, environment: sudo });
      const { port } = await site.startTcpsvd();
      expect(greeted(await burst(port, '127.0.1.1', 15))).toBe(10);
      await until('the end of the block', () => site.peers().length === 0);
      await site.ipthrottle('block', '127.0.1.2', '--for', '1h', '--reason', 'spam\n"run"');
      await site.ipthrottle('unblock', '127.0.1.2');
      await site.ipthrottle('block', '127.0.1.3', '--for', '1h');
      rmSync(site.path('peers', '127.0.1.3'));
      await until('it is an unblock', async () => (await site.list()).length === 0);
      const told = await history('127.0.0.0/16');
      expect(told.map(({ event, value, by }) => [event, value, by])).toEqual([
        ['blocked', '127.0.1.1', 'rater'],
        ['block ended', '127.0.1.1', 'rater'],
        ['blocked', '127.0.1.2', asAlice],
        ['unblocked', '127.0.1.2', asAlice],
        ['blocked', '127.0.1.3', asAlice],
        ['unblocked', '127.0.1.3', 'file removed'],
      ]);
      expect(told[0]).toMatchObject({ count: 11, limit: 10, seconds: 60, forSeconds: 2, times: 1 });
      expect(told[2]).toMatchObject({ reason: 'spam\n"run"', forSeconds: 3600 });
      const { stdout } = await site.ipthrottle('history', '127.0.1.2');
      expect(stdout.split('\n')).toHaveLength(4);
      expect(stdout).toContain(': spam\\u000a"run"\n');
    },
  );

  test('an offence that is repeated has its number', async () => {
    await start({ limits: 'ip: ( ("*", 60, 1) );', seconds: 1 });
    await hit('192.0.2.1', 2);
    await until('its end', async () => (await events()).includes('block ended 192.0.2.1'));
    await hit('192.0.2.1', 2);
    const blocks = await history('--event', 'blocked');
    expect(blocks.map(({ times }) => times)).toEqual([1, 2]);
  });

  test('a dry run, the allowlist, settings, the configuration, start and stop', async () => {
    const limits = 'ip: ( ("*", 60, 10) ); net: ( ("*", 60, 1) );';
    site = new Site({ limits, blocking: 'classes: ("ip", "net");', environment: sudo });
    const plain = readFileSync(site.path('rater.conf'), 'utf8');
    site.configure(`${plain}\nclasses: { net: { dry_run: true; prefix4: 24; }; };`);
    const rater = await site.startRater();
    await ask({ path: site.path('rater.sock') }, ['net 198.51.100.7\n'.repeat(2)]);
    await site.ipthrottle('block', '192.0.2.1');
    await site.ipthrottle('allow', 'add', '192.0.2.1', '--for', '1h', '--reason', 'a friend');
    await site.ipthrottle('allow', 'del', '192.0.2.1');
    await site.ipthrottle('var', 'jitter', '7');
    site.configure({ limits, seconds: 9, blocking: 'classes: ("ip", "net");' });
    await rater.says(/reloaded/);
    await rater.killedBy('SIGTERM');
    const told = await history();
    expect(told.map(({ event, value, by, reason }) => [event, value, by, reason])).toEqual([
      ['started', null, null, expect.stringMatching(/^version \d/)],
      ['would block', '198.51.100.0/24', 'rater', null],
      ['blocked', '192.0.2.1', asAlice, null],
      ['allowed', '192.0.2.1', asAlice, 'a friend'],
      ['unblocked', '192.0.2.1', asAlice, 'allowlisted'],
      ['disallowed', '192.0.2.1', asAlice, null],
      ['changed', 'blocking.jitter', asAlice, '0 -> 7'],
      [
        'reloaded',
        null,
        'file saved',
        'blocking.time [120] -> [9]; blocking.jitter 7 -> 0; ' +
          'classes.net.prefix4 24 -> 32; classes.net.dry_run true -> false',
      ],
      ['stopped', null, 'SIGTERM', null],
    ]);
    expect(told[3]?.forSeconds).toBe(3600);
  });

  test('clients that were let in unasked, and a configuration with mistakes', async () => {
    const rater = await start();
    const pipe = site.path('rater.sock.failed-open');
    spawnSync('sh', ['-c', 'printf ... >"$1"', 'sh', pipe]);
    await rater.says(/failed open/);
    site.configure('nonsense');
    await rater.says(/not reloaded/);
    site.configure({});
    await rater.says(/info: reloaded/);
    expect(await history()).toMatchObject([
      { event: 'started' },
      { event: 'failed open', value: 'failed open', count: 3 },
      { event: 'degraded', value: 'configuration', reason: expect.stringContaining('nonsense') },
      { event: 'recovered', value: 'configuration' },
      { event: 'reloaded', reason: 'nothing changed' },
    ]);
  });

  test('a person at the control shell has no name, and by TCP nobody can give one', async () => {
    const port = await freePort();
    await start({ settings: `control_port: ${port};` });
    await ask({ path: site.path('control.sock') }, ['block 192.0.2.1\n']);
    await ask({ host: '127.0.0.1', port }, ['block 192.0.2.2\n']);
    const call = (address: string, by: unknown) => {
      return `${JSON.stringify({ command: 'block', arguments: [address], options: {}, by })}\n`;
    };
    await ask({ host: '127.0.0.1', port }, [call('192.0.2.3', 'root')]);
    await ask({ path: site.path('control.sock') }, [call('192.0.2.4', `${'x'.repeat(70)}`)]);
    await ask({ path: site.path('control.sock') }, [call('192.0.2.5', undefined)]);
    const answer = await ask({ path: site.path('control.sock') }, [call('192.0.2.6', ['x'])]);
    expect(answer).toContain('not a command');
    const told = await history('--event', 'blocked');
    expect(told.map(({ value, by }) => [value, by])).toEqual([
      ['192.0.2.1', 'control'],
      ['192.0.2.2', 'control by TCP'],
      ['192.0.2.3', 'control by TCP'],
      ['192.0.2.4', 'x'.repeat(64)],
      ['192.0.2.5', 'control'],
    ]);
  });

  test('the name is that of the user, and behind sudo or doas also of who he was', () => {
    expect(operatorName({})).toBe(me);
    expect(operatorName({ SUDO_USER: 'bob' })).toBe(`bob as ${me}`);
    expect(operatorName({ DOAS_USER: 'bob' })).toBe(`bob as ${me}`);
    expect(operatorName({ SUDO_USER: me })).toBe(me);
  });
});

describe('without rater', () => {
  test('what ipthrottle does is kept, and the next start says how the last rater ended', async () => {
    const rater = await start({ environment: sudo });
    await site.ipthrottle('block', '192.0.2.1');
    await until('it is written', () => stored() === 2);
    await rater.killedBy('SIGKILL');
    await site.ipthrottle('block', '192.0.2.2');
    await site.ipthrottle('unblock', '192.0.2.1');
    expect(await events()).toEqual([
      'started -',
      'blocked 192.0.2.1',
      'blocked 192.0.2.2',
      'unblocked 192.0.2.1',
    ]);
    await site.startRater();
    const told = await history();
    expect(told.slice(2, 4).map(({ by }) => by)).toEqual([asAlice, asAlice]);
    expect(told[4]).toMatchObject({
      event: 'started',
      reason: expect.stringMatching(/killed, \d+ seconds/),
    });
    expect(await site.ipthrottle('history', '192.0.2.9')).toMatchObject({ exit: 1, stderr: '' });
  });
});

describe('a kill', () => {
  test('loses no block, and no event that is a second old', async () => {
    const rater = await start({ limits: 'ip: ( ("*", 60, 1) );' });
    for (let host = 1; host <= 50; host += 1) await hit(`192.0.2.${host}`, 2);
    await until('they are written', () => stored(`WHERE event = 'blocked'`) === 50);
    await hit('192.0.2.51', 2);
    await rater.killedBy('SIGKILL');
    expect(await site.list()).toHaveLength(51);
    const blocks = await history('--event', 'blocked');
    expect(blocks.slice(0, 50).map(({ value }) => value)).toEqual(
      Array.from({ length: 50 }, (_, index) => `192.0.2.${index + 1}`),
    );
  });

  test('by SIGTERM loses nothing at all', async () => {
    const rater = await start({ limits: 'ip: ( ("*", 60, 1) );' });
    const lines = Array.from({ length: 900 }, (_, index) => {
      return `ip 10.0.${index >> 8}.${index & 255}\n`.repeat(2);
    });
    await ask({ path: site.path('rater.sock') }, [lines.join('')]);
    await rater.killedBy('SIGTERM');
    expect(await history('--event', 'blocked')).toHaveLength(900);
    const { stdout } = await site.ipthrottle('history', '--hours', '--jsonl');
    const totals = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    // The hour may have ended meanwhile.
    const sum = (name: string) => totals.reduce((all, total) => all + total[name], 0);
    expect([sum('within'), sum('blocked'), sum('exceeded')]).toEqual([900, 900, 0]);
  });
});

describe('the bounds', () => {
  test('so many events are kept, the latest, and with 0 none', async () => {
    const rater = await start({ limits: 'ip: ( ("*", 60, 1) );', settings: 'history: 30;' });
    for (let host = 1; host <= 100; host += 1) await hit(`192.0.2.${host}`, 2);
    await until('the last is written', () => stored(`WHERE value = '192.0.2.100'`) === 1);
    await until('the first are forgotten', () => stored() === 30);
    expect((await events()).at(0)).toBe('blocked 192.0.2.71');
    site.configure({ settings: 'history: 0; expiration_timer: 1;' });
    await rater.killedBy('SIGTERM');
    await site.startRater();
    await until('all are forgotten', () => stored() === 0);
    await site.ipthrottle('block', '192.0.2.1');
    expect(await site.ipthrottle('history')).toMatchObject({ exit: 1 });
  });
});

test('a database of an older version is brought along, and what happens then is kept', async () => {
  site = new Site();
  const database = rawDatabase(site.path('blocks.db'));
  database.exec(readFileSync('test/store/version-3.sql', 'utf8'));
  database.close();
  await site.startRater();
  await site.ipthrottle('block', '192.0.2.2');
  expect(await events('--event', 'blocked')).toEqual(['blocked 192.0.2.2']);
  expect(await events('--event', 'block ended')).toEqual(['block ended 192.0.2.1']);
});

test('while the database is locked clients are answered and blocked, and the history follows', async () => {
  const rater = await start({ limits: 'ip: ( ("*", 60, 1) );' });
  await until('the start is written', () => stored() === 1);
  const other = rawDatabase(site.path('blocks.db'));
  onTestFinished(() => void other.close());
  other.exec('BEGIN IMMEDIATE');
  expect(await hit('192.0.2.1', 2)).toMatch(/^0 1\/1\r\n1 2\/1 \d+\r\n$/);
  await rater.says(/trouble: part=history what="database not usable now: .*locked/);
  expect((await site.ipthrottle('status')).stdout).toMatch(/^trouble: history: .*locked/m);
  expect(await events('--event', 'blocked')).toEqual(['blocked 192.0.2.1']);
  expect(await hit('192.0.2.2', 2)).toMatch(/^0 1\/1\r\n1 2\/1 \d+\r\n$/);
  other.exec('ROLLBACK');
  await rater.says(/recovered: part=history/);
  await until('all is written', () => stored(`WHERE event = 'blocked'`) === 2);
  expect(await site.ipthrottle('status')).toMatchObject({ exit: 0 });
});

test('checks are answered while somebody reads a long history', async () => {
  await start();
  const database = rawDatabase(site.path('blocks.db'));
  database.exec(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
     INSERT INTO events (at_ms, event, class, value, actor, reason, count, limit_count, seconds, for_ms, times)
     SELECT 1.8e12 + i, 'blocked', 'ip', '10.0.' || (i / 256 % 256) || '.' || (i % 256), 'rater', '', 11, 10, 60, 1000, 1 FROM n`,
  );
  database.close();
  const client = connect(site.path('rater.sock'));
  onTestFinished(() => void client.destroy());
  let replies = 0;
  let isDone = false;
  const next = () => {
    if (!isDone) client.write('ip 192.0.2.1\n');
  };
  client.on('data', () => {
    replies += 1;
    next();
  });
  next();
  await until('the first reply', () => replies > 0);
  const before = replies;
  const found = await history('10.0.1.1');
  isDone = true;
  expect(found.length).toBeGreaterThan(0);
  expect(replies - before).toBeGreaterThan(50);
});
