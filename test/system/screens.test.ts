/**
 * What a person sees in a terminal: tables that fit it, a pager for long ones, colours unless they are
 * not wanted; and what a program reads instead.
 *
 * Tests: src/cli/terminal.ts, src/cli/show-outcome.ts
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { commands } from '../../src/commands/commands.ts';
import { root } from '../docs/manual-page.ts';
import { missing, unless } from '../run/unless.ts';
import { Site } from './site.ts';
import { Terminal, type TerminalPlan } from './terminal.ts';

let site: Site;

afterEach(() => site.stop());

const program = [process.execPath, join(root, 'bin/ipthrottle')];

function terminal(args: readonly string[], plan: Partial<TerminalPlan> = {}): Terminal {
  const command = [...program, '-c', site.path('rater.conf'), ...args];
  return new Terminal({ command, ...plan });
}

/** What is on stdout when that is no terminal. */
function piped(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const [node = '', ...words] = [...program, '-c', site.path('rater.conf'), ...args];
  const env = { PATH: process.env.PATH ?? '', TERM: 'xterm', ...environment };
  return spawnSync(node, words, { env, encoding: 'utf8' });
}

/** What a terminal shows in the end, without colours. */
async function screen(
  args: readonly string[],
  plan: Partial<TerminalPlan> = {},
): Promise<string[]> {
  const shown = terminal(args, { environment: { PAGER: 'cat' }, ...plan });
  expect(await shown.ends()).toBe(0);
  return stripVTControlCharacters(shown.said).split('\n').slice(0, -1);
}

async function started(): Promise<void> {
  site = new Site();
  await site.startRater();
  const reason = 'a spam run from all over the network that lasted from morning to night';
  await site.ipthrottle('block', '2001:db8:1234:5678::/64', '--for', '7d', '--reason', reason);
  await site.ipthrottle('block', '192.0.2.1', '--for', '90m');
}

const always = ['ADDRESS', 'CLASS', 'RATE', 'LEFT', 'TIMES', 'SOURCE'];
const all = [...always.toSpliced(3, 0, 'SINCE', 'UNTIL'), 'REASON', 'NOT POSSIBLE AT'];

test.each([
  [60, always],
  [80, [...always, 'REASON']],
  [200, all],
])('list fits in %d columns, with a count below', async (columns, headings) => {
  await started();
  const lines = await screen(['list'], { columns });
  expect(lines[0]?.split(/ {2,}/)).toEqual(headings);
  expect(lines[2]).toMatch(/^2001:db8:1234:5678::\/64 {2}ip {5}- {5}.*7d {4}1 {6}operator/);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
  expect(lines.slice(3)).toEqual(['2 blocks']);
  expect((await screen(['list', '--limit', '1'], { columns })).at(-1)).toBe('1 of 2 blocks');
});

test('in a pipe a list has everything and no count, unless COLUMNS has a width', async () => {
  await started();
  const { stdout } = piped(['list']);
  expect(stdout.split('\n', 1)[0]?.split(/ {2,}/)).toEqual(all);
  expect(stdout).toMatch(/ from morning to night +peers .*\n$/);
  expect(stdout).not.toContain('\u001b');
  const lines = piped(['list'], { COLUMNS: '80' }).stdout.split('\n');
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
});

test('colours are for terminals that have some and for users who want them', async () => {
  await started();
  const coloured = async (environment: Readonly<Record<string, string>>) => {
    const shown = terminal(['list'], { environment });
    await shown.ends();
    return shown.said.includes('\u001b[');
  };
  expect(await coloured({})).toBe(true);
  expect(await coloured({ NO_COLOR: '1' })).toBe(false);
  expect(await coloured({ TERM: 'dumb' })).toBe(false);
});

describe('an answer that is longer than the terminal', () => {
  const rows = 6;

  test('goes to the pager that is chosen, and a short one does not', async () => {
    await started();
    const environment = { PAGER: 'sed s/^/paged:/' };
    const long = terminal(['var'], { rows, environment });
    expect(await long.ends()).toBe(0);
    const lines = stripVTControlCharacters(long.said).split('\n').slice(0, -1);
    expect(lines.every((line) => line.startsWith('paged:'))).toBe(true);
    const headings = lines.flatMap((line, at) => (line.startsWith('paged:NAME') ? [at] : []));
    expect(headings.slice(0, 3)).toEqual([0, 5, 10]);
    const short = terminal(['list'], { rows, environment });
    await short.ends();
    expect(short.said).not.toContain('paged:');
  });

  test('goes to less, which is quit before the end', unless(missing('less')), async () => {
    await started();
    const paged = terminal(['var'], { rows });
    await paged.shows(/settings\.socket_group/);
    paged.type('q');
    expect(await paged.ends()).toBe(0);
  });

  test.each([
    ['that is not there', 'no-such-pager'],
    ['that fails', 'false'],
  ])('is no reason to fail with a pager %s', async (_, pager) => {
    await started();
    const shown = terminal(['var'], { rows, environment: { PAGER: pager } });
    expect(await shown.ends()).toBe(0);
  });

  test('is shown at once where no pager is installed or wanted', async () => {
    await started();
    expect((await screen(['var'], { rows })).at(-1)).toMatch(/^\d+ variables$/);
    const command = ['env', 'PATH=/nowhere', ...program, '-c', site.path('rater.conf'), 'var'];
    const shown = new Terminal({ command, rows });
    expect(await shown.ends()).toBe(0);
    expect(shown.said).toMatch(/\d+ variables\n$/);
  });
});

test('each command that only reads answers a program in JSON', async () => {
  await started();
  // Prometheus has a format of its own.
  const told = ['help', 'reload', 'doctor', 'metrics'];
  const reading = commands.filter(({ changes, name }) => !changes && !told.includes(name));
  const words: Record<string, string[]> = { check: ['192.0.2.1'], top: ['--once'] };
  for (const { name } of reading) {
    const { stdout } = piped([name, '--json', ...(words[name] ?? [])]);
    expect(stdout.split('\n'), name).toHaveLength(2);
    expect(typeof JSON.parse(stdout), name).toBe('object');
  }
  expect(JSON.parse(piped(['var', 'time', '--json']).stdout)).toMatchObject({
    name: 'blocking.time',
    live: true,
  });
  const objects = piped(['list', '--jsonl']).stdout.trim().split('\n');
  expect(objects.map((line) => JSON.parse(line).address)).toEqual([
    '192.0.2.1',
    '2001:db8:1234:5678::/64',
  ]);
});

test.each([
  ['lst', 'no such command: lst; did you mean list?'],
  ['unblok', 'no such command: unblok; did you mean unblock?'],
  ['mirror', 'no such command: mirror'],
  ['\u001b[2J', 'no such command: "\\u001b[2J"'],
])('%j names the command that was meant, if any', async (name, said) => {
  site = new Site();
  const { status, stderr } = piped([name]);
  expect({ status, stderr }).toEqual({
    status: 100,
    stderr: `ipthrottle: error: wrong usage: ${said}\n`,
  });
});
