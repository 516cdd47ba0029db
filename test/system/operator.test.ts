/**
 * The operator's command, with rater running and with rater down: the servers obey it at once.
 *
 * Tests: src/cli/ask-daemon.ts, src/cli/run-offline.ts, src/commands/block.ts, src/commands/reap.ts
 */
import { writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { missing, unless } from '../run/unless.ts';
import { burst, fates, greeted, visit } from './connections.ts';
import { until } from './running-program.ts';
import { Site } from './site.ts';

const limit = 10;
const offender = '127.0.1.1';
const reason = missing('tcpsvd', 'tcprulescheck');

const keys = 'address class since until secondsLeft count limit seconds times source'.split(' ');
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

let site: Site;
let port = 0;

describe.each(['running', 'down'])('with rater %s', (state) => {
  beforeEach(async () => {
    if (reason) return;
    site = new Site({ rules: ':allow\n', seconds: 90 });
    const rater = await site.startRater();
    if (state === 'down') await rater.killedBy('SIGKILL');
    ({ port } = await site.startTcpsvd());
  });

  afterEach(() => site.stop());

  test(
    'block is obeyed at once, unblock too, and both say what they did',
    unless(reason),
    async () => {
      expect(fates([await visit(port, offender)])).toMatchObject({ greeted: 1 });
      expect(await site.ipthrottle('block', offender, '192.0.2.0/24', '--for', '2h')).toEqual({
        exit: 0,
        stdout: `blocked ${offender} for 2 hours\nblocked 192.0.2.0/24 for 2 hours\n`,
        stderr: '',
      });
      expect(fates(await burst(port, offender, 5))).toMatchObject({ dropped: 5 });
      expect(site.peers()).toEqual([offender, '192.0.2']);
      await until('the cdb has it', () => site.isDeniedByCdb('192.0.2.200'));
      expect(await site.ipthrottle('check', offender)).toMatchObject({ exit: 1 });
      expect(await site.ipthrottle('check', '127.0.1.2')).toMatchObject({ exit: 0 });

      const { exit, stdout, stderr } = await site.ipthrottle('unblock', offender);
      expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
      expect(stdout).toMatch(
        /^unblocked 127\.0\.1\.1 \(blocked \d+ seconds? ago, 2 hours left\)\n$/,
      );
      expect(fates([await visit(port, offender)])).toMatchObject({ greeted: 1 });
      expect(await site.ipthrottle('check', offender)).toMatchObject({ exit: 0 });
    },
  );

  test('block says where a server cannot express it', unless(reason), async () => {
    const { exit, stdout } = await site.ipthrottle('block', '127.0.16.0/20', '--for', '2h');
    const peers = site.path('peers');
    const there = 'not possible there, rater refuses it itself';
    expect({ exit, stdout }).toEqual({
      exit: 0,
      stdout: [
        'blocked 127.0.16.0/20 for 2 hours',
        `  peers ${peers}: ${there}`,
        `  tcprules ${site.path('rules.cdb')}: ${there}`,
        '',
      ].join('\n'),
    });
    if (state === 'down') return;
    expect(fates([await visit(port, '127.0.17.1')])).not.toMatchObject({ greeted: 1 });
  });

  test('block and unblock say that a cdb is not compiled and why', unless(reason), async () => {
    await site.ipthrottle('block', '127.0.1.7');
    writeFileSync(site.path('rules'), ':allow\n127.0.0.1:maybe\n');
    const cdb = site.path('rules.cdb');
    const blocked = await site.ipthrottle('block', offender, '--for', '2h');
    expect(blocked.exit).toBe(111);
    expect(blocked.stderr).toContain(`blocked ${offender} for 2 hours\n`);
    expect(blocked.stderr).toContain(`  peers ${site.path('peers')}: in force\n`);
    expect(blocked.stderr).toContain(`  tcprules ${cdb}: pending, until then rater refuses`);
    expect(blocked.stderr).toMatch(new RegExp(`^tcprules ${cdb}: not done yet: .*rules`, 'm'));
    expect(await site.isDeniedByCdb(offender)).toBe(false);

    const unblocked = await site.ipthrottle('unblock', '127.0.1.7');
    expect(unblocked.exit).toBe(111);
    expect(unblocked.stderr).toMatch(/^unblocked 127\.0\.1\.7 /m);
    expect(unblocked.stderr).toMatch(new RegExp(`^tcprules ${cdb}: not done yet: .*rules`, 'm'));
    expect(await site.isDeniedByCdb('127.0.1.7')).toBe(true);
  });

  test('unblock --all lifts every block', unless(reason), async () => {
    await site.ipthrottle('block', offender, '192.0.2.0/24', '2001:db8::/32');
    const { exit, stdout } = await site.ipthrottle('unblock', '--all');
    expect(exit).toBe(0);
    expect(stdout.match(/^unblocked /gm)).toHaveLength(3);
    expect(site.peers()).toEqual([]);
    expect(await site.list()).toEqual([]);
    expect(await site.ipthrottle('unblock', '--all')).toMatchObject({ exit: 1 });
  });

  test('list --json has every promised key, times in ISO 8601', unless(reason), async () => {
    await site.ipthrottle('block', '192.0.2.1', '--for', '60', '--reason', 'spam "run"');
    const [block, ...others] = await site.list();
    expect(others).toEqual([]);
    expect(Object.keys(block ?? {})).toEqual(expect.arrayContaining(keys));
    expect(block).toMatchObject({
      address: '192.0.2.1',
      class: 'ip',
      since: expect.stringMatching(instant),
      until: expect.stringMatching(instant),
      times: 1,
      source: 'operator',
      reason: 'spam "run"',
    });
    expect(Date.parse(block?.until ?? '') - Date.parse(block?.since ?? '')).toBe(60_000);
    expect(block?.secondsLeft).toBeGreaterThan(50);
    expect(block?.secondsLeft).toBeLessThanOrEqual(60);
  });

  test('reap removes what is over, and nothing else', unless(reason), async () => {
    await site.ipthrottle('block', '192.0.2.2');
    expect(await site.ipthrottle('reap')).toEqual({ exit: 0, stdout: '', stderr: '' });
    await site.ipthrottle('block', '192.0.2.1', '--for', '1');
    const over = Date.now() + 1000;
    await until('the first block is over', () => Date.now() > over);
    const checked = async () => (await site.ipthrottle('check', '192.0.2.1')).stdout;
    if (state === 'running') {
      await until('it is let in', async () => /^192\.0\.2\.1: not block/.test(await checked()));
    } else {
      // The servers still obey blocks that nobody has removed.
      expect(await checked()).toMatch(/^192\.0\.2\.1: refused\n/);
    }
    const { exit, stdout } = await site.ipthrottle('reap');
    expect(exit).toBe(0);
    // A running rater was quicker.
    if (state === 'down') expect(stdout).toMatch(/^reaped 192\.0\.2\.1 \(blocked .* ago, .*\)\n$/);
    expect(site.peers()).toEqual(['192.0.2.2']);
    expect((await site.list()).map(({ address }) => address)).toEqual(['192.0.2.2']);
  });
});

describe.each(['running', 'down'])('the exit code, with rater %s', (state) => {
  beforeAll(async () => {
    site = new Site();
    const rater = await site.startRater();
    if (state === 'down') await rater.killedBy('SIGKILL');
  });

  afterAll(() => site.stop());

  test.for([
    { args: 'unblock 192.0.2.9', exit: 1 },
    { args: 'unblock 192.0.2.9 192.0.2.10', exit: 1 },
    { args: 'unblock --all', exit: 1 },
    { args: 'check 192.0.2.9', exit: 0 },
    { args: 'status', exit: state === 'running' ? 0 : 1 },
    { args: 'block ../../etc/passwd', exit: 100 },
    { args: 'check nonsense', exit: 100 },
    { args: 'block 192.0.2.9 --for ever', exit: 100 },
    { args: 'block', exit: 100 },
    { args: 'unblock', exit: 100 },
    { args: 'unblock 192.0.2.9 --all', exit: 100 },
    { args: 'frobnicate', exit: 100 },
    { args: 'block 192.0.2.9 --for ', exit: 100 },
    { args: 'block 192.0.2.9 --for 1M', exit: 100 },
  ])('of `$args` is $exit', async ({ args, exit }) => {
    expect(await site.ipthrottle(...args.split(' '))).toMatchObject({ exit });
    expect(site.peers()).toEqual([]);
  });
});

describe('beside a running rater', () => {
  beforeAll(async () => {
    if (reason) return;
    site = new Site({ rules: ':allow\n', seconds: 10, limits: 'ip: ( ("*", 60, 10) );' });
    await site.startRater();
    ({ port } = await site.startTcpsvd());
  });

  afterAll(() => site?.stop());

  test('reap in a loop harms nothing', unless(reason), async () => {
    let isOver = false;
    const reaping = (async () => {
      for (; !isOver; ) expect(await site.ipthrottle('reap')).toMatchObject({ exit: 0 });
    })();
    for (let host = 1; host <= 5; host++) {
      expect(greeted(await burst(port, `127.0.4.${host}`, 30))).toBe(limit);
    }
    await until('the end of all', () => site.peers().length === 0);
    isOver = true;
    await reaping;
    expect(await site.list()).toEqual([]);
  });

  test('unblock clears the counters: as many pass again', unless(reason), async () => {
    await site.ipthrottle('block', '127.0.5.9', '--for', '1h');
    expect(greeted(await burst(port, '127.0.5.1', limit))).toBe(limit);
    await site.ipthrottle('block', '127.0.5.1', '--for', '1h');
    expect(fates(await burst(port, '127.0.5.1', 5))).toMatchObject({ dropped: 5 });
    expect(await site.ipthrottle('unblock', '127.0.5.1')).toMatchObject({ exit: 0 });
    expect(greeted(await burst(port, '127.0.5.1', 50))).toBe(limit);
    expect(site.peers()).toContain('127.0.5.9');
  });

  test(
    'unblock also clears the counters of a client that is not blocked yet',
    unless(reason),
    async () => {
      expect(greeted(await burst(port, '127.0.5.2', limit))).toBe(limit);
      expect(await site.ipthrottle('unblock', '127.0.5.2')).toMatchObject({ exit: 1 });
      expect(greeted(await burst(port, '127.0.5.2', 50))).toBe(limit);
    },
  );

  test('check counts no hit and shows the count', unless(reason), async () => {
    await burst(port, '127.0.6.1', 3);
    for (let times = 0; times < 3; times++) {
      const { stdout } = await site.ipthrottle('check', '127.0.6.1', '--json');
      expect(JSON.parse(stdout)).toMatchObject({ limits: [{ class: 'ip', counts: [3] }] });
    }
  });
});
