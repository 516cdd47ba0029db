/**
 * Words are completed in real shells, in a terminal, also where bash splits an address at its colons;
 * and at once where the daemon does not answer.
 *
 * Tests: src/cli/completion.ts, src/cli/complete-words.ts, src/cli/live-words.ts
 * Tests: src/cli/completion-scripts.ts
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { cliCommands } from '../../src/cli/cli-commands.ts';
import { root } from '../docs/manual-page.ts';
import { missing, unless } from '../run/unless.ts';
import { Site } from './site.ts';
import { Terminal } from './terminal.ts';

let site: Site;

afterEach(() => site.stop());

const program = join(root, 'bin/ipthrottle');

/** What can stand for the last word behind `ipthrottle -c rater.conf`. */
function completed(...words: string[]): string[] {
  const line = ['-c', site.path('rater.conf'), ...words];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [program, 'completion', 'words', '--', ...line],
    { encoding: 'utf8' },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.split('\n').flatMap((each) => (each ? [each.split('\t', 1)[0] ?? ''] : []));
}

async function blocked(): Promise<void> {
  site = new Site({ limits: 'ip: ( ("*", 60, 10) ); net: ( ("*", 60, 10) );' });
  await site.startRater();
  for (const address of ['192.0.2.11', '192.0.2.111', '198.51.100.0/24', '2001:db8::7']) {
    await site.ipthrottle('block', address);
  }
  await site.ipthrottle('allow', 'add', '203.0.113.9');
}

test('commands, options and values are those of the table, and live ones those of rater', async () => {
  await blocked();
  const names = [...cliCommands.map(({ name }) => name), 'help'].sort();
  expect(completed('').sort()).toEqual(names);
  expect(completed('help', '').sort()).toEqual(names.filter((name) => name !== 'help'));
  for (const { name, options } of cliCommands) {
    const long = options.map(({ flags }) => /--[\w-]+/.exec(flags)?.[0]);
    expect(completed(name, '-')).toEqual(long);
  }
  expect(completed('unb')).toEqual(['unblock']);
  expect(completed('unblock', '192.0.2.11')).toEqual(['192.0.2.11', '192.0.2.111']);
  expect(completed('unblock', '192.0.2.11', '--grace', '1h', '2001:d')).toEqual(['2001:db8::7']);
  expect(completed('check', '')).toHaveLength(4);
  expect(completed('check', '192.0.2.11', '')).toEqual([]);
  expect(completed('block', '')).toEqual([]);
  expect(completed('list', '--json', '--j')).toEqual(['--jsonl']);
  expect(completed('list', '--class', '')).toEqual(['ip', 'net']);
  expect(completed('list', '--sort', 's')).toEqual(['since']);
  expect(completed('list', '--network', '198')).toEqual(['198.51.100.0/24']);
  expect(completed('allow', '')).toEqual(['add', 'del', 'list']);
  expect(completed('allow', 'del', '')).toEqual(['203.0.113.9']);
  expect(completed('allow', 'add', '')).toEqual([]);
  expect(completed('var', 'settings.log_l')).toEqual(['settings.log_level']);
  expect(completed('var', 'enforce', '')).toEqual(['on', 'off']);
  expect(completed('-c', '')).toEqual([':files']);
  expect(completed('completion', '')).toEqual(['bash', 'zsh', 'fish']);
});

describe('half a second is the most that it takes', () => {
  test('without rater, or with a configuration that has mistakes', () => {
    site = new Site();
    expect(completed('unblock', '')).toEqual([]);
    site.configure('nonsense');
    expect(completed('unblock', '')).toEqual([]);
    expect(completed('unblock', '--g')).toEqual(['--grace']);
  });

  test.each([
    ['says nothing', '', 0],
    ['drips', '{', 20],
    ['says something else', '[]\n', 0],
  ])('with a daemon that %s', async (_, text, everyMs) => {
    site = new Site();
    const path = site.path('control.sock');
    site.configure({ settings: `control: "${path}";` });
    // It must go on while the test waits for the command.
    const script = `require('net').createServer((s) => { s.on('error', () => {});
      ${everyMs ? `setInterval(() => s.write('${text}'), ${everyMs})` : `s.write(${JSON.stringify(text)})`};
    }).listen('${path}', () => console.log('listening'))`;
    const daemon = new Terminal({ command: [process.execPath, '-e', script] });
    await daemon.shows(/listening/);
    expect(completed('unblock', '')).toEqual([]);
    daemon.type('\u0003');
    await daemon.ends();
  });
});

type Shell = { readonly name: string; readonly start: readonly string[]; readonly load: string };

const shells: readonly Shell[] = [
  {
    name: 'bash',
    start: ['bash', '--norc', '--noprofile', '-i'],
    load: 'source <(ipthrottle completion bash)',
  },
  {
    name: 'zsh',
    start: ['zsh', '-f', '-i'],
    load: 'autoload -Uz compinit; compinit -u -D; source <(ipthrottle completion zsh)',
  },
  {
    name: 'fish',
    start: ['fish', '--no-config', '-i'],
    load: 'ipthrottle completion fish | source',
  },
];

describe.each(shells)('$name', ({ name, start, load }) => {
  test('completes addresses, with colons and without', unless(missing(name)), async () => {
    await blocked();
    const bin = site.path('bin');
    mkdirSync(bin);
    // The program of this checkout, which says what it was called with.
    const run = `exec ${process.execPath} ${program} "$@"`;
    const script = `#!/bin/sh\n[ "$1" != completion ] || ${run}\necho "called: $*."\n`;
    writeFileSync(join(bin, 'ipthrottle'), script, { mode: 0o755 });
    const shell = new Terminal({
      command: start,
      columns: 200,
      directory: site.directory,
      environment: {
        PATH: `${bin}:${process.env.PATH}`,
        HOME: site.directory,
        IPTHROTTLE_CONF: site.path('rater.conf'),
      },
    });
    shell.type(`${load}\necho lo''aded\n`);
    await shell.shows(/loaded/);
    for (const [begun, whole] of [
      ['2001:db', '2001:db8::7'],
      ['198', '198.51.100.0/24'],
      ['--gr', '--grace'],
    ] as const) {
      shell.type(`ipthrottle unblock ${begun}\t`);
      await shell.shows(new RegExp(`unblock (\\S*\u001b\\S*)?${whole}`));
      shell.type('\n');
      await shell.shows(new RegExp(`called: unblock ${whole}\\.`));
    }
    shell.type('exit\n');
    await shell.ends();
  });
});
