/**
 * Our programs where the driver of the database cannot be loaded, as after an upgrade of Node, and
 * where a part of the package is not there, as while it is replaced: one line, and an exit code by
 * which a supervisor knows whether to try again.
 *
 * Tests: src/store/driver.ts
 */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { faults } from '../../src/runtime/errors.ts';
import { temporaryDirectory } from '../run/temporary-directory.ts';
import { missing, unless } from '../run/unless.ts';
import { copyPrograms, replaceDriver, root } from './copy-programs.ts';
import { ask } from './line-client.ts';
import { RunningProgram } from './running-program.ts';
import { type Outcome, Site } from './site.ts';

let site: Site;
/** The copy of the package. */
let installation: string;

beforeEach(() => {
  site = new Site();
  installation = temporaryDirectory();
  copyPrograms(installation);
});

afterEach(() => site.stop());

/** Runs a program of the copy to its end. */
function run(program: string, ...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const words = [join(installation, 'bin', program), '-c', site.path('rater.conf'), ...args];
    const options = { cwd: site.directory, timeout: 30_000 };
    const child = execFile(process.execPath, words, options, (_error, stdout, stderr) => {
      resolve({ exit: child.exitCode ?? -1, stdout, stderr });
    });
  });
}

async function doctorSays(): Promise<string> {
  return (await run('ipthrottle', 'doctor')).stdout;
}

const abi = process.versions.modules;

describe.each([
  {
    how: 'other Node',
    exit: 100,
    says: `the module better-sqlite3 was built for another Node (ABI 99, this is ${abi})`,
    reason: missing('cc'),
  },
  {
    how: 'no library',
    exit: 100,
    says: 'cannot load the module better-sqlite3: /',
    reason: undefined,
  },
  { how: 'missing', exit: 111, says: 'cannot load the module better-sqlite3: ', reason: undefined },
  {
    how: 'half written',
    exit: 111,
    says: 'cannot load the module better-sqlite3: /',
    reason: undefined,
  },
  {
    how: 'hardly begun',
    exit: 111,
    says: 'cannot load the module better-sqlite3: /',
    reason: undefined,
  },
] as const)('with a driver: $how', ({ how, exit, says, reason }) => {
  const kind = exit === 100 ? faults.driver : faults.incomplete;
  const remedy = () => `run npm rebuild better-sqlite3 in ${installation}`;

  test(
    `rater says so in one line and ends with ${exit}, by --check too`,
    unless(reason),
    async () => {
      replaceDriver(installation, how);
      for (const args of [[], ['--check']]) {
        const { exit: left, stderr } = await run('rater', ...args);
        expect({ left, lines: stderr.split('\n').length }).toEqual({ left: exit, lines: 2 });
        expect(stderr).toContain(`rater: error: ${kind.sentence}: ${says}`);
        expect(stderr).toContain(remedy());
      }
    },
  );

  test('a command without rater says so, doctor as a problem', unless(reason), async () => {
    await (await site.startRater()).killedBy('SIGKILL');
    replaceDriver(installation, how);
    const { exit: left, stderr } = await run('ipthrottle', 'list');
    expect({ left, lines: stderr.split('\n').length }).toEqual({ left: exit, lines: 2 });
    expect(stderr).toContain(`ipthrottle: error: ${kind.sentence}: ${says}`);
    const problems = (await doctorSays()).match(/^problem: database: .*$/gm);
    expect(problems).toEqual([expect.stringContaining(`rater cannot start: ${says}`)]);
    expect(problems?.[0]).toContain(remedy());
  });

  test('beside a running rater all commands work, and doctor warns', unless(reason), async () => {
    await site.startRater();
    replaceDriver(installation, how);
    for (const args of [['block', '192.0.2.1'], ['list'], ['unblock', '192.0.2.1'], ['status']]) {
      expect(await run('ipthrottle', ...args)).toMatchObject({ exit: 0, stderr: '' });
    }
    expect(await doctorSays()).toContain(`problem: database: rater cannot start: ${says}`);
  });
});

describe.each(['rater', 'ipthrottle'])('while the package is replaced, %s', (program) => {
  test.each<{ what: string; breaks(): void }>([
    { what: 'dist', breaks: () => rmSync(join(installation, 'dist'), { recursive: true }) },
    {
      what: 'a part of dist',
      breaks() {
        const chunks = readdirSync(join(installation, 'dist')).filter((name) =>
          /^chunk/.test(name),
        );
        for (const name of chunks) rmSync(join(installation, 'dist', name));
      },
    },
    {
      what: 'the end of a file',
      breaks: () => truncateSync(join(installation, 'dist', `${program}.js`), 3000),
    },
    {
      what: 'all but the launchers',
      breaks() {
        for (const name of ['dist', 'node_modules', 'package.json']) {
          rmSync(join(installation, name), { recursive: true });
        }
      },
    },
  ])('says in one line that $what is missing, and ends with 111', async ({ breaks }) => {
    breaks();
    const { exit, stdout, stderr } = await run(program);
    const start = `${program}: error: ${faults.incomplete.sentence}: `;
    expect({ exit, stdout }).toEqual({ exit: 111, stdout: '' });
    expect(stderr).toMatch(/^.*\n$/);
    expect(stderr.slice(0, start.length)).toBe(start);
  });
});

test.each(['list', 'doctor'])(
  'ipthrottle %s says so of a part that it loads late',
  async (command) => {
    await (await site.startRater()).killedBy('SIGKILL');
    const late = readdirSync(join(installation, 'dist')).filter((name) => /^run-/.test(name));
    expect(late).toHaveLength(5);
    for (const name of late) rmSync(join(installation, 'dist', name));
    const { exit, stderr } = await run('ipthrottle', command);
    expect({ exit, stderr }).toEqual({
      exit: 111,
      stderr: expect.stringMatching(/^ipthrottle: error: ipthrottle is being replaced.*\n$/),
    });
  },
);

test('the launchers differ only in the name of their program', () => {
  const [rater, ipthrottle] = ['rater', 'ipthrottle'].map((name) => {
    return readFileSync(join(root, 'bin', name), 'utf8').replaceAll(
      name === 'rater' ? 'rater' : /ipthrottle(?=[.:])/g,
      'NAME',
    );
  });
  expect(ipthrottle).toBe(rater);
});

test('an upgrade by a link that changes leaves no moment without programs', async () => {
  const link = site.path('current');
  const old = installation;
  const next = temporaryDirectory();
  copyPrograms(next);
  symlinkSync(old, link);
  let isOver = false;
  const switching = (async () => {
    for (let turn = 0; !isOver; turn += 1) {
      symlinkSync(turn % 2 === 0 ? next : old, `${link}.new`);
      renameSync(`${link}.new`, link);
      await setTimeout(1);
    }
  })();
  installation = link;
  try {
    for (let turn = 0; turn < 10; turn += 1) {
      expect(await run('ipthrottle', '--version')).toMatchObject({ exit: 0, stderr: '' });
      expect(await run('rater', '--check')).toMatchObject({ exit: 0, stderr: '' });
    }
  } finally {
    isOver = true;
    await switching;
  }
});

test('without the native transport rater serves by node:net, and doctor gives a hint', async () => {
  rmSync(join(installation, 'dist/transport.node'), { force: true });
  const rater = new RunningProgram({
    command: [process.execPath, join(installation, 'bin/rater'), '-c', 'rater.conf'],
    directory: site.directory,
  });
  onTestFinished(() => rater.end());
  await rater.says(/all in force/);
  expect(await ask({ path: site.path('rater.sock') }, ['ip 127.0.0.1\n'])).toBe('0 1/10\r\n');
  expect((await site.ipthrottle('status')).stdout).toMatch(/^transport: node:net$/m);
  const said = await doctorSays();
  expect(said).toMatch(/^hint: daemon: rater cannot use its native transport, .*transport.node/m);
  expect(said).not.toMatch(/^problem: /m);
});

test('Guarantee: a running rater needs nothing of its package, which may be replaced', async () => {
  const rater = new RunningProgram({
    command: [process.execPath, join(installation, 'bin/rater'), '-c', 'rater.conf'],
    directory: site.directory,
  });
  onTestFinished(() => rater.end());
  await rater.says(/all in force/);
  rmSync(installation, { recursive: true });
  site.configure({ seconds: 60 });
  await rater.says(/info: reloaded/);
  for (const args of [
    ['block', '192.0.2.1'],
    ['list'],
    ['reap'],
    ['prf'],
    ['status', '--json'],
    ['reload'],
  ]) {
    expect(await site.ipthrottle(...args)).toMatchObject({ exit: 0, stderr: '' });
  }
  rmSync(site.path('peers', '192.0.2.1'));
  await rater.says(/unblocked/);
  await rater.killedBy('SIGTERM');
  expect(rater.exitCode).toBe(0);
});
