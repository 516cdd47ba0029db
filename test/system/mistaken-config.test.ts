/**
 * A typing error in rater.conf keeps no operator from the rater that goes on with the configuration
 * it has read before: the mistakes are said, and what was asked is done.
 *
 * Tests: src/cli/ask-despite-mistakes.ts
 */
import { readFileSync, renameSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { askDespiteMistakes } from '../../src/cli/ask-despite-mistakes.ts';
import type { RunningProgram } from './running-program.ts';
import { Site } from './site.ts';

const call = { command: 'uptime', arguments: [], options: {} };

let site: Site;
let rater: RunningProgram;
let environment: string[];

beforeEach(async () => {
  environment = [];
  site = new Site({ environment });
  rater = await site.startRater();
});

afterEach(() => site.stop());

function spoil(change: (text: string) => string): void {
  site.configure(change(readFileSync(site.path('rater.conf'), 'utf8')));
}

const spoiled: readonly [what: string, change: (text: string) => string][] = [
  ['a limit that is none', (text) => text.replace('"*", 60, 10', '"*", 60')],
  ['an unknown setting', (text) => text.replace('db_path', 'db_pth: 1; db_path')],
  ['a bracket that is missing', (text) => text.replace('10) );', '10 );')],
  ['a brace that is missing', (text) => text.replace('};\nlimits', ';\nlimits')],
  ['nonsense in front', (text) => `%&!\n${text}`],
  ['a colon that is missing behind db_path', (text) => text.replace('db_path:', 'db_path')],
];

test.each(spoiled)('%s', async (_, change) => {
  spoil(change);
  const warned = /^ipthrottle: warning: \/.*rater\.conf:\d+: .+$/m;
  const goesOn = 'ipthrottle: warning: configuration not usable: rater goes on with the one it has';
  const ask = async (...args: string[]) => {
    const outcome = await site.ipthrottle(...args);
    expect(outcome.stderr).toMatch(warned);
    expect(outcome.stderr).toContain(goesOn);
    return { exit: outcome.exit, stdout: outcome.stdout };
  };
  expect(await ask('block', '192.0.2.1', '--for', '2h')).toEqual({
    exit: 0,
    stdout: 'blocked 192.0.2.1 for 2 hours\n',
  });
  expect(site.peers()).toEqual(['192.0.2.1']);
  expect((await ask('list')).stdout).toMatch(/^192\.0\.2\.1 /m);
  expect(await ask('check', '192.0.2.1')).toMatchObject({ exit: 1 });
  expect((await ask('status')).stdout).toMatch(/^rater: running, /);
  expect(await ask('reload')).toEqual({ exit: 100, stdout: '' });
  expect((await ask('unblock', '192.0.2.1')).stdout).toMatch(/^unblocked 192\.0\.2\.1 /);
  expect(site.peers()).toEqual([]);

  const { exit, stdout } = await ask('doctor');
  expect(exit).toBe(1);
  expect(stdout).toMatch(/^problem: daemon: \/.*rater\.conf:\d+: .*; remedy: correct it; /m);
  expect(stdout).toMatch(/^hint: daemon: nothing else was looked at/m);
  expect(stdout).not.toContain('all is well');
  expect(JSON.parse((await ask('doctor', '--json')).stdout)).toMatchObject({
    well: false,
    probe: null,
  });
});

describe('where the socket cannot be read from the file', () => {
  const missing = /^ipthrottle: error: configuration not usable: \/.*rater\.conf/;

  test('$IPTHROTTLE_CONTROL names it', async () => {
    spoil((text) => text.replace('socket:', 'socket'));
    const without = await site.ipthrottle('list');
    expect(without).toMatchObject({ exit: 100, stdout: '' });
    expect(without.stderr).toMatch(missing);
    environment.push(`IPTHROTTLE_CONTROL=${site.path('control.sock')}`);
    expect(await site.ipthrottle('list')).toMatchObject({ exit: 0 });
    renameSync(site.path('rater.conf'), site.path('away'));
    expect(await site.ipthrottle('list')).toMatchObject({ exit: 0 });
  });

  test('the usual one is used if the daemon there has read the same file, also by a link', async () => {
    const places = { named: '', usual: site.path('control.sock') };
    const mistakes = { mistakes: ['a mistake'], controlSocket: undefined };
    const ask = (file: string) => askDespiteMistakes(file, mistakes, call, places);
    expect(await ask(site.path('rater.conf'))).toMatchObject({ exit: 0 });
    expect(await ask(`${site.directory}/./rater.conf`)).toMatchObject({ exit: 0 });
    expect(await ask(site.path('another.conf'))).toBeUndefined();
  });
});

test('without a daemon a mistake is one, as ever', async () => {
  await rater.killedBy('SIGKILL');
  spoil((text) => text.replace('"*", 60, 10', '"*", 60'));
  for (const command of [['list'], ['status'], ['doctor'], ['block', '192.0.2.1']]) {
    const { exit, stdout, stderr } = await site.ipthrottle(...command);
    expect({ exit, stdout }).toEqual({ exit: 100, stdout: '' });
    expect(stderr).toMatch(/^ipthrottle: error: configuration not usable: \/.*rater\.conf:\d+: /);
  }
  expect(site.peers()).toEqual([]);
});
