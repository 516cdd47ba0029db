/**
 * `ipthrottle report` as an operator runs it: a page about what the history of a real rater tells of,
 * with and without it running, and about logs.
 *
 * Tests: src/cli/report.ts, src/cli/run-report.ts, src/cli/ask-or-run-offline.ts
 * Tests: src/cli/period-of-history.ts, src/cli/period-of-logs.ts
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../run/temporary-directory.ts';
import { ask } from './line-client.ts';
import { programs } from './real-rater.ts';
import { Site } from './site.ts';

/** The texts of all cells, row by row, of a table of the page. */
function cells(page: string, table: string): string[][] {
  const [, rest = ''] = page.split(`<table aria-label="${table}">`);
  const [, rows = ''] = (rest.split('</table>')[0] ?? '').split('<tbody>');
  return [...rows.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, row = '']) => {
    return [...row.matchAll(/<td[^>]*>(.*?)<\/td>/g)].map(([, text = '']) => text);
  });
}

/** What the page says in large letters. */
function keyFigures(page: string): string[] {
  return [...page.matchAll(/<dt>(.*?)<\/dt><dd>(.*?)<\/dd>/g)].map(([, name, figure]) => {
    return `${figure} ${name}`;
  });
}

describe('of the history', () => {
  let site: Site;

  afterEach(() => site?.stop());

  async function report(...options: string[]) {
    const outcome = await site.ipthrottle('report', '--html', site.path('page.html'), ...options);
    return { ...outcome, page: readFileSync(site.path('page.html'), 'utf8') };
  }

  test('blocks and connections are told, while rater runs and when it is down', async () => {
    site = new Site({ limits: 'ip: ( ("*", 60, 3) ); relay: ( ("*", 60, 100) );' });
    const rater = await site.startRater();
    const path = site.path('rater.sock');
    await ask({ path }, ['ip 192.0.2.1\n'.repeat(5), 'relay 192.0.2.2\n'.repeat(2)]);
    await ask({ path }, ['ip 2001:db8::1\n'.repeat(4)]);
    await site.ipthrottle('block', '198.51.100.0/24');

    const running = await report();
    expect(running).toMatchObject({ exit: 0, stderr: '' });
    const names = (page: string) => cells(page, 'blocks').map(([name]) => name);
    expect(names(running.page).toSorted()).toEqual([
      '192.0.2.1',
      '198.51.100.0/24',
      '2001:db8::/64',
    ]);

    await rater.end();
    const down = await report();
    expect(down).toMatchObject({ exit: 0, stderr: '' });
    expect(names(down.page)).toEqual(names(running.page));
    expect(keyFigures(down.page)).toEqual([
      '11 connections',
      '3 refused, 27.3 %',
      '3 blocks',
      '3 clients told of',
    ]);
    const byName = cells(down.page, 'clients').toSorted();
    expect(byName.map((row) => row.slice(0, 4))).toEqual([
      ['192.0.2.1', 'ip', '1', '2 minutes'],
      ['198.51.100.0/24', 'ip', '1', '2 minutes'],
      ['2001:db8::/64', 'ip', '1', '2 minutes'],
    ]);

    const relay = await report('--class', 'relay');
    expect(keyFigures(relay.page).slice(0, 3)).toEqual([
      '2 connections',
      '0 refused, 0 %',
      '0 blocks',
    ]);
    const future = await report('--since', '2200-01-01');
    expect(future).toMatchObject({ exit: 1, stderr: '' });
    expect(future.page).toContain('Nothing happened in this time.');
  });
});

describe('of logs', () => {
  const stamped = (second: number, from: string) => {
    const stamp = `2026-11-29_00:00:${String(second).padStart(2, '0')}.00000`;
    return `${stamp} tcpsvd: info: pid ${second} from ${from}\n`;
  };
  const burst = (from: string, many: number) => {
    return Array.from({ length: many }, (_, second) => stamped(second, from));
  };
  const bursts = [burst('192.0.2.1', 5), burst('192.0.2.7', 9), burst('2001:db8:0:1::5', 2)];
  const log = bursts.flat().toSorted().join('');

  /** Runs the real command with a limit of three on a file `log`. */
  function report(directory: string, ...options: string[]) {
    const config = join(directory, 'rater.conf');
    writeFileSync(config, 'limits : { ip: ( ("*", 60, 3) ); }; blocking : { time: 120; };');
    writeFileSync(join(directory, 'log'), log);
    const words = [join(programs, 'ipthrottle'), '-c', config, 'report', ...options];
    const { status, stdout, stderr } = spawnSync(process.execPath, words, {
      ...{ cwd: directory, encoding: 'utf8' },
      env: { PATH: process.env.PATH, TZ: 'Asia/Kolkata' },
    });
    return { exit: status, stdout, stderr };
  }

  test('what would have become of the connections is told, in local time', () => {
    const directory = temporaryDirectory();
    expect(report(directory, '--html', 'page.html', 'log')).toEqual({
      exit: 0,
      stdout: 'wrote page.html: 16 connections, 2 blocks\n',
      stderr: '',
    });
    const page = readFileSync(join(directory, 'page.html'), 'utf8');
    expect(keyFigures(page)).toEqual([
      '16 connections',
      '8 refused, 50.0 %',
      '2 blocks',
      '3 clients told of',
    ]);
    expect(cells(page, 'clients')).toEqual([
      ['192.0.2.7', 'ip', '9', '6', '1', '2 minutes', '2026-11-29 05:30:03'],
      ['192.0.2.1', 'ip', '5', '2', '1', '2 minutes', '2026-11-29 05:30:03'],
      ['2001:db8:0:1::/64', 'ip', '2', '0', '0', '-', '-'],
    ]);
    expect(cells(page, 'times')).toEqual([['2026-11-29 05:30', '16', '8', '2']]);
    expect(page).toContain('Replayed from 16 connections in 16 lines of logs');
    // Nothing else was left behind.
    expect(readdirSync(directory).sort()).toEqual(['log', 'page.html', 'rater.conf']);
  });

  test('a part of the time and masked addresses are had by options', () => {
    const directory = temporaryDirectory();
    const options = [
      '--mask',
      '--since',
      '2026-11-29T00:00:01Z',
      '--until',
      '2026-11-29T00:00:03Z',
    ];
    expect(report(directory, '--html', 'page.html', ...options, 'log').exit).toBe(0);
    const page = readFileSync(join(directory, 'page.html'), 'utf8');
    expect(keyFigures(page)[0]).toBe('5 connections');
    const names = cells(page, 'clients').map(([name]) => name);
    expect(names.toSorted()).toEqual(['192.0.2.x', '192.0.2.x', '2001:db8:0:1::/64']);
  });

  test('a new page is for owner and group; a replaced one keeps its mode; a link is written through', () => {
    const directory = temporaryDirectory();
    const page = join(directory, 'page.html');
    const modeOf = () => (statSync(page).mode & 0o777).toString(8);
    report(directory, '--html', 'page.html', 'log');
    expect(modeOf()).toBe('640');
    chmodSync(page, 0o644);
    writeFileSync(page, 'old');
    symlinkSync('page.html', join(directory, 'link'));
    report(directory, '--html', 'link', 'log');
    expect(readFileSync(page, 'utf8')).toContain('16 connections');
    writeFileSync(page, 'old');
    report(directory, '--html', 'page.html', 'log');
    expect(readFileSync(page, 'utf8')).toContain('16 connections');
    expect(modeOf()).toBe('644');
  });

  test('mistakes are told, and nothing is written', () => {
    const directory = temporaryDirectory();
    expect(report(directory, 'log')).toEqual({
      exit: 100,
      stdout: '',
      stderr: 'ipthrottle: error: wrong usage: where shall the page be? say --html FILE\n',
    });
    expect(report(directory, '--html', 'page.html', '--leap-seconds', 'yes').stderr).toContain(
      '--leap-seconds is of no use without logs',
    );
    expect(report(directory, '--html', 'page.html', 'none')).toMatchObject({ exit: 100 });
    expect(report(directory, '--html', 'none/page.html', 'log')).toMatchObject({
      exit: 100,
      stdout: '',
      stderr: expect.stringMatching(/page cannot be written: none\/page\.html: ENOENT/),
    });
    expect(readdirSync(directory).sort()).toEqual(['log', 'rater.conf']);
  });
});
