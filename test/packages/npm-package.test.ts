/**
 * What `npm pack` makes of a fresh clone, installed by npm in a prefix.
 *
 * npm runs no script here but ours: better-sqlite3, which would compile for a minute or two, is the one
 * of this project. That npm runs our script by itself with `npm install -g` is not proven here.
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { root } from '../docs/manual-page.ts';
import { temporaryDirectory } from '../run/temporary-directory.ts';
import { missing, unless } from '../run/unless.ts';
import { RunningProgram } from '../system/running-program.ts';
import { freshClone, noClone } from './fresh-clone.ts';

const registry = ['--prefer-offline', '--no-audit', '--no-fund', '--fetch-retries=0'];
const noRegistry = () => {
  const { status } = spawnSync('npm', ['ping', '--fetch-retries=0'], { stdio: 'ignore' });
  return status === 0 ? undefined : 'the npm registry does not answer';
};
const reason = noClone ?? missing('tar', 'cc') ?? noRegistry();

function run(directory: string, environment: NodeJS.ProcessEnv, ...command: string[]) {
  const [program = '', ...args] = command;
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: directory,
    env: { ...process.env, ...environment },
    encoding: 'utf8',
  });
  return { status, said: `${stdout}${stderr}` };
}

describe('the package of npm', unless(reason), () => {
  let work = '';
  let unpacked = '';
  let installed = '';

  beforeAll(() => {
    work = mkdtempSync(join(tmpdir(), 'ipthrottle-test-'));
    installed = join(work, 'installed');
    const clone = freshClone(join(work, 'clone'));
    expect(run(clone, {}, 'npm', 'pack', '--pack-destination', work)).toMatchObject({ status: 0 });
    const [name = ''] = readdirSync(work).filter((file) => file.endsWith('.tgz'));
    expect(run(work, {}, 'tar', 'xzf', name)).toMatchObject({ status: 0 });
    unpacked = join(work, 'package');
    const options = ['--prefix', installed, '--ignore-scripts', ...registry];
    const { status, said } = run(work, {}, 'npm', 'install', '-g', ...options, join(work, name));
    expect({ status, said }).toMatchObject({ status: 0 });
    const driver = 'node_modules/better-sqlite3/build/Release/better_sqlite3.node';
    const home = join(installed, 'lib/node_modules/ipthrottle', driver);
    cpSync(join(root, driver), home);
  });
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  /** A copy of what is installed, in which npm has run our script. */
  function prefix(environment: NodeJS.ProcessEnv): string {
    const copy = join(temporaryDirectory(), 'prefix');
    cpSync(installed, copy, { recursive: true, verbatimSymlinks: true });
    rebuild(copy, environment);
    return copy;
  }

  function rebuild(at: string, environment: NodeJS.ProcessEnv): void {
    const outcome = run(
      at,
      environment,
      ...'npm rebuild -g --allow-scripts=ipthrottle ipthrottle --prefix'.split(' '),
      at,
    );
    expect(outcome).toMatchObject({ status: 0 });
  }

  /** A rater of that prefix, which lets one connection pass, and how to run programs there. */
  async function start(at: string) {
    const directory = join(at, 'run');
    mkdirSync(directory);
    const settings = `socket: "${directory}/socket"; db_path: "${directory}/db";`;
    const config = join(directory, 'rater.conf');
    writeFileSync(config, `settings : { ${settings} };\nlimits : { ip: ( ("*", 600, 1) ); };\n`);
    const rater = new RunningProgram({ command: [join(at, 'bin/rater'), '-c', config], directory });
    onTestFinished(() => rater.end());
    await rater.says(/all in force/);
    const environment = { RATER_SOCKET: join(directory, 'socket'), IPTHROTTLE_CONF: config };
    const path = { PATH: `${join(at, 'bin')}${delimiter}${process.env.PATH}` };
    return (...command: string[]) => run(directory, { ...path, ...environment }, ...command);
  }

  test('has no program of the machine on which it was packed', () => {
    const files = readdirSync(unpacked, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    expect(files.length).toBeGreaterThan(40);
    const isNative = (file: string) => readFileSync(file).subarray(1, 4).toString() === 'ELF';
    expect(files.filter(isNative)).toEqual([]);
  });

  test('packing leaves a clone built', () => {
    for (const path of ['bin/ratecheck', 'dist/transport.node', 'dist/rater.js']) {
      expect(existsSync(join(work, 'clone', path)), path).toBe(true);
    }
  });

  test('with a compiler every program runs, and its manual is found', async () => {
    const at = prefix({});
    const { bin, man, version } = JSON.parse(readFileSync(join(unpacked, 'package.json'), 'utf8'));
    expect(readdirSync(join(at, 'bin')).sort()).toEqual(Object.keys(bin).sort());
    for (const page of man as string[]) {
      const section = page.at(-1);
      const found = join(at, `share/man/man${section}`, page.replace('man/', ''));
      expect(readFileSync(found, 'utf8')).toBe(readFileSync(join(root, page), 'utf8'));
    }
    const inside = await start(at);
    for (const name of ['rater', 'ipthrottle', 'ratecheck']) {
      expect(inside(name, '-V')).toEqual({ status: 0, said: expect.stringContaining(version) });
    }
    const check = () => inside('ratecheck', '-n', 'ip', '192.0.2.1').status;
    expect(inside('ipthrottle', 'status').said).toMatch(/^transport: native$/m);
    expect([check(), check()]).toEqual([0, 1]);
  });

  test('without a compiler all works but ratecheck, and doctor says what helps', async () => {
    const at = prefix({ CC: 'no-such-compiler' });
    expect(existsSync(join(at, 'bin/ratecheck'))).toBe(false);
    const inside = await start(at);
    expect(inside('ipthrottle', 'block', '192.0.2.9').status).toBe(0);
    expect(inside('ipthrottle', 'list').said).toContain('192.0.2.9');
    expect(inside('ipthrottle', 'doctor').said).toMatch(
      /^problem: programs: ratecheck is neither in PATH .*; remedy: install a C compiler.*npm rebuild -g --allow-scripts=ipthrottle ipthrottle$/m,
    );
    rebuild(at, {});
    expect(inside('ratecheck', '-V').status).toBe(0);
  });
});
