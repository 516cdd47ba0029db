/**
 * rater where the driver of the database was built for another Node: with servers to tell of blocks it
 * does not start; without them it counts and refuses from memory, and says everywhere what it lacks.
 *
 * Tests: src/store/driver.ts
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { degradedModes } from '../../src/health/degraded-modes.ts';
import { faults } from '../../src/runtime/errors.ts';
import { temporaryDirectory } from '../run/temporary-directory.ts';
import { missing, unless } from '../run/unless.ts';
import { burst, fates } from './connections.ts';
import { copyPrograms, replaceDriver } from './copy-programs.ts';
import { ask } from './line-client.ts';
import { RunningProgram } from './running-program.ts';
import { type Outcome, Site } from './site.ts';

let site: Site;
/** The copy of the package. */
let installation: string;
const raters: RunningProgram[] = [];

beforeEach(() => {
  site = new Site();
  installation = temporaryDirectory();
  copyPrograms(installation);
});

afterEach(async () => {
  for (const rater of raters.splice(0)) await rater.end();
  await site.stop();
});

function configure(database = 'blocks.db', peers = ''): void {
  site.configure(
    `settings : { socket: "rater.sock"; db_path: "${database}"; };
     limits : { ip: ( ("*", 60, 3) ); };
     blocking : { time: 120; ${peers} };`,
  );
}

function start(program: string, ...args: string[]): RunningProgram {
  const words = [join(installation, 'bin', program), '-c', 'rater.conf', ...args];
  const started = new RunningProgram({
    command: [process.execPath, ...words],
    directory: site.directory,
  });
  raters.push(started);
  return started;
}

async function startRater(): Promise<RunningProgram> {
  const rater = start('rater');
  await rater.says(/all in force/);
  return rater;
}

async function run(program: string, ...args: string[]): Promise<Omit<Outcome, 'stderr'>> {
  const started = start(program, ...args);
  const exit = (await started.ends()) ?? -1;
  return { exit, stdout: started.said };
}

function say(text: string): Promise<string> {
  return ask({ path: site.path('rater.sock') }, [text]);
}

/** Each file of the database with what is in it. */
function databaseFiles(): string[] {
  return readdirSync(site.directory)
    .filter((name) => /^blocks\.db(-wal|-shm)?$/.test(name))
    .map((name) => {
      const bytes = readFileSync(site.path(name));
      return `${name} ${createHash('sha256').update(bytes).digest('hex')}`;
    });
}

const noCompiler = missing('cc');
const cause = `the module better-sqlite3 was built for another Node (ABI 99, this is ${process.versions.modules})`;
const forgets =
  'blocks and allowances of before are unknown, those of now are forgotten when rater ends';
const lost = `${forgets}, and no lock keeps a second rater out`;
const remedy = () => `run npm rebuild better-sqlite3 in ${installation}`;

describe('without servers to tell of blocks', () => {
  test(
    'clients of tcpsvd are counted and refused by ratecheck',
    unless(noCompiler ?? missing('tcpsvd')),
    async () => {
      configure();
      replaceDriver(installation, 'other Node');
      const rater = await startRater();
      const told = `error: without driver: what="${cause}" lost="${lost}" remedy="${remedy()}, then restart rater"\n`;
      expect(rater.said).toContain(told);
      expect(rater.said.indexOf(told)).toBeLessThan(rater.said.indexOf('info: ready'));
      const { port } = await site.startTcpsvd();
      expect(fates(await burst(port, '127.0.7.1', 5, 1))).toEqual({
        greeted: 3,
        refused: 2,
        dropped: 0,
      });
      expect(await site.list()).toMatchObject([{ address: '127.0.7.1', source: 'rate' }]);
    },
  );

  test(
    'the database and its lock stay as they are, and are used again with the driver',
    unless(noCompiler),
    async () => {
      configure();
      await startRater();
      await run('ipthrottle', 'block', '192.0.2.1', '--for', '1d');
      await run('ipthrottle', 'allow', 'add', '192.0.2.9');
      await raters[0]?.killedBy('SIGKILL');
      const before = databaseFiles();
      expect(before).toHaveLength(3);
      rmSync(site.path('rater.sock.lock'));
      replaceDriver(installation, 'other Node');
      const rater = await startRater();
      expect(rater.said).toMatch(/ready: .* blocks=0 /);
      expect(rater.said).toMatch(/was away: .*ended=killed/);
      expect(await say('ip 192.0.2.1\n')).toBe('0 1/3\r\n');
      for (const args of [
        ['block', '192.0.2.2'],
        ['allow', 'add', '192.0.2.8'],
      ]) {
        await run('ipthrottle', ...args);
      }
      await rater.killedBy('SIGTERM');
      expect(rater.exitCode).toBe(0);
      expect(databaseFiles()).toEqual(before);
      expect(existsSync(site.path('rater.sock.lock'))).toBe(false);
      const later = await site.startRater();
      expect(later.said).toMatch(/was away: .*ended=stopped/);
      expect((await site.list()).map(({ address }) => address)).toEqual(['192.0.2.1']);
      expect((await site.ipthrottle('allow', 'list')).stdout).toMatch(/^192\.0\.2\.9 /m);
    },
  );

  test(
    'all commands work, and say what the database does not have',
    unless(noCompiler),
    async () => {
      configure();
      replaceDriver(installation, 'other Node');
      const rater = await startRater();
      const undone = `database: not done yet: ${cause}: ${lost}\n`;
      expect(await run('ipthrottle', 'block', '192.0.2.1')).toEqual({
        exit: 111,
        stdout: `blocked 192.0.2.1 for 2 minutes\n${undone}`,
      });
      expect(await run('ipthrottle', 'check', '192.0.2.1')).toMatchObject({ exit: 1 });
      expect(await run('ipthrottle', 'list')).toMatchObject({
        exit: 0,
        stdout: expect.stringMatching(/^192\.0\.2\.1 /m),
      });
      expect(await run('ipthrottle', 'unblock', '192.0.2.1')).toEqual({
        exit: 111,
        stdout: expect.stringMatching(/^unblocked 192\.0\.2\.1 .*\ndatabase: not done yet: .*\n$/),
      });
      expect(await run('ipthrottle', 'check', '192.0.2.1')).toMatchObject({ exit: 0 });
      expect(await run('ipthrottle', 'reload')).toMatchObject({ exit: 0 });
      const { exit, stdout } = await run('ipthrottle', 'status');
      expect(exit).toBe(1);
      expect(stdout).toMatch(/^degraded: driver \(forgets\): once, .*; now, since 20/m);
      expect(stdout).toContain(`\ntrouble: database: ${cause}: ${lost}, since 20`);
      expect(rater.isRunning).toBe(true);
    },
  );

  test('doctor calls it a problem, of this rater and of the next', unless(noCompiler), async () => {
    configure();
    writeFileSync(site.path('blocks.db'), '', { mode: 0o600 });
    replaceDriver(installation, 'other Node');
    const rater = await startRater();
    const problems = async () => {
      const { stdout } = await run('ipthrottle', 'doctor');
      return stdout.match(/^problem: (troubles|database): .*$/gm);
    };
    const next = `problem: database: once rater is restarted, ${lost}: ${cause}; remedy: ${remedy()}`;
    expect(await problems()).toEqual([
      expect.stringMatching(/^problem: troubles: database: .*; remedy: .*npm rebuild/),
      next,
    ]);
    expect((await problems())?.[0]).toContain(`${cause}: ${lost}, since 20`);
    expect((await problems())?.[0]).toContain(degradedModes.driver.remedy);
    await rater.killedBy('SIGTERM');
    expect(await problems()).toEqual([next]);
  });

  test('--check says so as a doubt and exits with 0', unless(noCompiler), async () => {
    configure();
    replaceDriver(installation, 'other Node');
    expect(await run('rater', '--check')).toEqual({
      exit: 0,
      stdout: `rater: warning: ${faults.driver.sentence}: ${cause}: ${lost}: ${remedy()}\n`,
    });
  });

  test(
    'a second rater is kept out by the socket, and takes nothing from the first',
    unless(noCompiler),
    async () => {
      configure();
      replaceDriver(installation, 'other Node');
      const first = await startRater();
      first.signal('SIGSTOP');
      writeFileSync(site.path('rater.sock.failed-open'), '123');
      const second = start('rater');
      expect(await second.ends()).toBe(111);
      expect(second.said).toMatch(
        /error: cannot listen: .*\.sock is there and is somebody else's\n$/,
      );
      first.signal('SIGCONT');
      await first.says(/failed open: count=3/);
      expect(await say('ip 192.0.2.1\n')).toBe('0 1/3\r\n');
    },
  );

  test('with :memory: nothing is missing but the locks', unless(noCompiler), async () => {
    configure(':memory:');
    replaceDriver(installation, 'other Node');
    const rater = await startRater();
    expect(rater.said).toContain(' lost="no lock keeps a second rater out" ');
    expect(await run('ipthrottle', 'block', '192.0.2.1')).toEqual({
      exit: 0,
      stdout: 'blocked 192.0.2.1 for 2 minutes\n',
    });
    const { stdout } = await run('ipthrottle', 'status');
    expect(stdout).toContain(`\ntrouble: locks: ${cause}: no lock keeps a second rater out, since`);
  });

  test('a driver that is missing, as while the package is replaced, is waited for', async () => {
    configure();
    replaceDriver(installation, 'missing');
    for (const args of [[], ['--check']]) {
      expect(await run('rater', ...args)).toMatchObject({ exit: 111 });
    }
  });
});

describe.each(['blocks.db', ':memory:'])('with servers to tell of blocks and %s', (database) => {
  test('rater does not start, and --check says so', unless(noCompiler), async () => {
    configure(database, 'peers: "peers";');
    replaceDriver(installation, 'other Node');
    for (const args of [[], ['--check']]) {
      expect(await run('rater', ...args)).toEqual({
        exit: 100,
        stdout: `rater: error: ${faults.driver.sentence}: ${cause}: ${remedy()}\n`,
      });
    }
    expect((await run('ipthrottle', 'doctor')).stdout).toContain(
      `problem: database: rater cannot start: ${cause}; remedy: ${remedy()}`,
    );
  });
});
