/**
 * `ipthrottle replay` as an operator runs it, and the proof that it says what rater does: it replays
 * the log of a real tcpsvd under load, and finds the blocks that rater made meanwhile.
 *
 * Tests: src/cli/replay.ts, src/cli/run-replay.ts, src/cli/replay-lines.ts, src/cli/replay-asked.ts
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { debianPackages } from '../run/debian-packages.ts';
import { freePort } from '../run/free-port.ts';
import { temporaryDirectory } from '../run/temporary-directory.ts';
import { missing, unless } from '../run/unless.ts';
import { visitAll } from './connections.ts';
import { programs } from './real-rater.ts';
import { RunningProgram, until } from './running-program.ts';
import { Site } from './site.ts';

describe('the log of a real tcpsvd under load', () => {
  const daemontools = debianPackages('daemontools');
  const multilog = join(daemontools.bin, 'multilog');
  const { environment } = daemontools;
  const notThere = missing('tcpsvd', 'svlogd');
  const loggers = [
    { name: 'svlogd', reason: notThere, logger: ['svlogd', '-t'] },
    { name: 'multilog', reason: notThere ?? daemontools.reason, logger: [multilog, 't'] },
  ];

  for (const { name, reason, logger } of loggers) {
    const title = `by ${name}, gives exactly the blocks that rater made`;
    test(title, unless(reason), async () => {
      const site = new Site({
        limits: 'ip: ( ("127.0.9.0/24", 3600, -1), ("127.0.8.0/24", 3600, 2), ("*", 3600, 10) );',
        seconds: 20,
        blocking: 'factor: 30;',
        allow: ['127.0.7.3'],
      });
      onTestFinished(() => site.stop());
      const rater = await site.startRater();
      mkdirSync(site.path('log'));
      const port = await freePort();
      const script = 'log=$1; shift; "$@" 2>&1 | exec $LOGGER "$log"';
      const check = [join(programs, 'ratecheck'), '-t', '60000', '-s', site.path('rater.sock')];
      const server = ['tcpsvd', '-v', '-l', 'localhost', '-c', '200', '-i', 'peers', '127.0.0.1'];
      const tcpsvd = new RunningProgram({
        command: [
          'sh',
          '-c',
          script,
          'sh',
          './log',
          ...server,
          `${port}`,
          ...check,
          'echo',
          '220 hi',
        ],
        directory: site.directory,
        environment: { ...environment, LOGGER: logger.join(' ') },
      });
      onTestFinished(() => tcpsvd.end());
      await until('tcpsvd listens', () => {
        const current = site.path('log', 'current');
        return existsSync(current) && readFileSync(current, 'latin1').includes('listening on ');
      });
      const sources = (many: number) => {
        return Array.from({ length: many }, (_, index) => `127.0.${1 + (index % 9)}.${index % 5}`);
      };
      const made = () => [...rater.said.matchAll(/^rater: info: blocked: (.*)$/gm)];
      const ended = () => rater.said.match(/^rater: info: block ended: /gm) ?? [];

      await visitAll(port, sources(720), 16);
      expect(made()).toHaveLength(39);
      await until('the end of all blocks', () => ended().length === made().length);
      // The logger may be late; a block in its time must be over, too.
      await sleep(2000);
      await visitAll(port, sources(720), 16);
      expect(made()).toHaveLength(78);
      // Everything has gone through the logger.
      await tcpsvd.end();

      const { stdout, stderr, exit } = await site.ipthrottle('replay', '--json', 'log');
      expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
      const { result, lines } = JSON.parse(stdout);
      expect(lines).toMatchObject({ used: 1440, notUnderstood: 0, undated: 0, noAddress: 0 });
      const byRater = new Map<string, { rate: string; blocks: number; seconds: number }>();
      for (const [, fields = ''] of made()) {
        const [, address = '', rate = '', seconds] =
          /address=(\S+) class=ip rate=(\S+) for=(\d+)/.exec(fields) ?? [];
        const before = byRater.get(address) ?? { blocks: 0, seconds: 0 };
        const [blocks, all] = [before.blocks + 1, before.seconds + Number(seconds)];
        byRater.set(address, { rate, blocks, seconds: all });
      }
      const byReplay = result.blocked.map((each: Record<string, string | number>) => {
        const { client, count, limit, blocks, blockedSeconds: seconds } = each;
        return [client, { rate: `${count}/${limit}`, blocks, seconds }];
      });
      expect(result.blocks).toBe(78);
      expect(byReplay.toSorted()).toEqual([...byRater].toSorted());
      // Of 16 connections each time, 34 addresses were let in 10 times and five twice.
      expect(result.refused).toBe(2 * (34 * 6 + 5 * 14));
    });
  }
});

const stamped = (second: number, from: string) => {
  const stamp = `2026-11-29_00:00:${String(second).padStart(2, '0')}.00000`;
  return `${stamp} tcpsvd: info: pid ${second} from ${from}\n`;
};

function burst(from: string, many: number): string {
  return Array.from({ length: many }, (_, second) => stamped(second, from)).join('');
}

/** A configuration with a limit of three and a log; runs the real command on it, with a terminal's zone. */
function command(log: string, ...options: string[]) {
  const directory = temporaryDirectory();
  const config = join(directory, 'rater.conf');
  writeFileSync(config, 'limits : { ip: ( ("*", 60, 3) ); }; blocking : { time: 120; };');
  writeFileSync(join(directory, 'log'), log);
  const words = [join(programs, 'ipthrottle'), '-c', config, 'replay', ...options];
  const { status, stdout, stderr } = spawnSync(process.execPath, words, {
    ...{ cwd: directory, encoding: 'utf8', input: log },
    env: { PATH: process.env.PATH, TZ: 'UTC' },
  });
  return { exit: status, stdout: stdout.replace(/^read .*/m, 'read'), stderr };
}

describe('the command', () => {
  const log = `${burst('192.0.2.1', 6)}${burst('198.51.100.1', 3)}garbage \u001b[2J\n`;

  test('says who would have been blocked, and compares limits', () => {
    expect(command(log, '--try', '60/2,60/5', '--suggest', '50', 'log')).toEqual({
      exit: 0,
      stderr: expect.stringContaining('log: the clock goes back 5 seconds at line 7'),
      stdout: `lines: 10 read, 9 used, 0 of other events, 1 not understood
  log:10: "garbage \\u001b[2J"
time: 2026-11-29 00:00:00+00:00 to 2026-11-29 00:00:05+00:00, 5 seconds
9 connections of 2 clients; 3 refused (33.3 %) of 1 client; 1 block
would have been blocked: 1 client
CLIENT     CLASS  RATE     FIRST                      LAST UNTIL                 BLOCKS  FOR  REFUSED  OF
192.0.2.1  ip     4/3/60s  2026-11-29 00:00:03+00:00  2026-11-29 00:02:03+00:00  1       2m   3        6
clients just under their limit:
  198.51.100.1: 3/3/60s
other limits for everybody in class ip, as SECONDS/COUNT:
LIMIT  BLOCKS  CLIENTS  REFUSED  OF-TRAFFIC  BIGGEST-CLIENT  SHARE   NEVER-REACHED-BY
60/2   2       2        5        55.6 %      192.0.2.1       80.0 %  0
60/5   1       1        1        11.1 %      192.0.2.1       100.0 %  1
limits that spare 50 % of the clients:
  60/3: 1 of 2 clients never made more than 3 connections in 60 seconds; the other one made 6, and all their connections were 6
read
`
        .replace('SHARE   NEVER', 'SHARE    NEVER')
        .replace('80.0 %  0', '80.0 %   0'),
    });
  });

  test('reads standard input, and prints one object with --json', () => {
    const { exit, stdout } = command(log, '--json', '-');
    expect(exit).toBe(0);
    const { lines, examples, suggestions } = JSON.parse(stdout);
    expect(lines).toMatchObject({ read: 10, used: 9, notUnderstood: 1 });
    expect(examples).toEqual([{ file: '-', line: 10, text: 'garbage \u001b[2J' }]);
    expect(suggestions).toBeNull();
  });

  test('leaves with 1 when nothing was understood, and says so', () => {
    const { exit, stdout } = command('nothing\nof the kind\n', 'log');
    expect(exit).toBe(1);
    expect(stdout).toContain('lines: 2 read, 0 used, 0 of other events, 2 not understood');
    expect(stdout).toContain('no connection was found: nothing can be said');
    expect(command('', 'log').exit).toBe(1);
  });

  test('says what to do when no line has a time', () => {
    const { exit, stderr } = command('tcpsvd: info: pid 1 from 192.0.2.1\n', 'log');
    expect(exit).toBe(1);
    expect(stderr).toMatch(/1 connection without a time, .*: have the logger write stamps/);
  });

  test('tells the differences of another configuration', () => {
    const directory = temporaryDirectory();
    const other = join(directory, 'other.conf');
    writeFileSync(other, 'limits : { ip: ( ("192.0.2.1", 60, -1), ("*", 60, 2) ); };');
    const { stdout } = command(log, '--against', other, 'log');
    expect(stdout).toMatch(/^refused only by \S+\/rater.conf: 1 client\n {2}ip 192\.0\.2\.1$/m);
    expect(stdout).toMatch(/^refused only by \S+\/other.conf: 1 client\n {2}ip 198\.51\.100\.1$/m);
  });

  test('names only times that are asked for', () => {
    const span = ['--since', '2026-11-29 00:00:01Z', '--until', '2026-11-29T00:00:03Z'];
    expect(command(log, ...span, 'log').stdout).toContain('5 left out as asked for');
  });

  test.each([
    [['log', 'none'], /none: .*ENOENT|ENOENT.*'none'/],
    [['--try', '60', 'log'], /--try: not SECONDS\/COUNT, as 60\/10: 60/],
    [['--try', '60/1,60/1', 'log'], /--try: 60\/1 is there twice/],
    [['--suggest', '0', 'log'], /--suggest: not a part of the clients in percent: 0/],
    [['--leap-seconds', 'maybe', 'log'], /--leap-seconds: neither yes nor no: maybe/],
    [['--since', 'soon', 'log'], /not an instant: soon/],
    [['--class', 'user', 'log'], /has no class user in limits/],
    [['--against', 'none', 'log'], /none/],
    [[], /missing required argument 'log'/],
  ])('%j is wrong usage', (options, sentence) => {
    const { exit, stdout, stderr } = command(log, ...options);
    expect({ exit, stdout }).toEqual({ exit: 100, stdout: '' });
    expect(stderr).toMatch(sentence);
  });

  test('does not need, touch or make a database', () => {
    const directory = temporaryDirectory();
    const config = join(directory, 'rater.conf');
    writeFileSync(
      config,
      'settings : { socket: "s"; db_path: "db"; }; limits : { ip: ( ("*", 60, 3) ); };',
    );
    const words = [join(programs, 'ipthrottle'), '-c', config, 'replay', '-'];
    execFileSync(process.execPath, words, { input: log });
    expect(execFileSync('ls', [directory], { encoding: 'utf8' })).toBe('rater.conf\n');
  });
});
