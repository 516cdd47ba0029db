/**
 * Times are shown in the zone of whoever asks, with how far it is from UTC, whether rater runs, in
 * another zone, or not; and also where ipthrottle and rater are of different versions.
 *
 * Tests: src/commands/local-time.ts
 */
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { askDaemon } from '../../src/cli/ask-daemon.ts';
import { root } from '../docs/manual-page.ts';
import { temporaryDirectory } from '../run/temporary-directory.ts';
import { shellClient } from './shell-client.ts';
import { Site } from './site.ts';

const inKolkata = /20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\+05:30/g;
const inUtc = /20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\+00:00/g;

let site: Site;

afterEach(() => site.stop());

function ipthrottle(zone: string, ...args: string[]): string {
  const command = [join(root, 'bin/ipthrottle'), '-c', site.path('rater.conf'), ...args];
  const env = { PATH: process.env.PATH ?? '', TZ: zone };
  return spawnSync(process.execPath, command, { env, encoding: 'utf8' }).stdout;
}

async function blocked() {
  site = new Site({ environment: ['TZ=UTC'] });
  const rater = await site.startRater();
  await site.ipthrottle('block', '192.0.2.1', '--for', '1h');
  await site.ipthrottle('allow', 'add', '198.51.100.1', '--for', '1h');
  return rater;
}

test('list, allow list, status and uptime show the times of the caller', async () => {
  const rater = await blocked();
  const [{ since = '', until = '' } = {}] = await site.list();
  const shown = (zone: string) => ipthrottle(zone, 'list').split('\n')[1] ?? '';
  const times = (text: string) => {
    return (text.match(inKolkata) ?? []).map((time) => new Date(time).getTime());
  };
  const second = (instant: string) => Math.trunc(Date.parse(instant) / 1000) * 1000;
  const wanted = [second(since), second(until)];
  expect(times(shown('Asia/Kolkata'))).toEqual(wanted);
  expect(shown('UTC').match(inUtc)).toHaveLength(2);
  expect(ipthrottle('Asia/Kolkata', 'allow', 'list')).toMatch(inKolkata);
  expect(ipthrottle('Asia/Kolkata', 'uptime')).toMatch(inKolkata);
  // West of Greenwich, and not by whole hours.
  expect(ipthrottle('America/St_Johns', 'uptime')).toMatch(/:\d\d-0[23]:30, pid/);

  await rater.killedBy('SIGKILL');
  expect(times(shown('Asia/Kolkata'))).toEqual(wanted);
  expect(ipthrottle('Asia/Kolkata', 'allow', 'list')).toMatch(inKolkata);
  await site.startRater();
  expect(ipthrottle('Asia/Kolkata', 'status')).toMatch(/^away: .* until .*\+05:30, killed$/m);
});

test('a time zone that Node does not know gives UTC, and says so', async () => {
  await blocked();
  expect(ipthrottle('<+03>-3', 'uptime')).toMatch(/:\d\d\+00:00, pid/);
});

test('who writes no instants, as a person or an older ipthrottle, gets those of rater', async () => {
  await blocked();
  const person = await shellClient({ path: site.path('control.sock') });
  expect((await person.ask('list'))[1]).toMatch(inUtc);
  person.send('{"command":"list","arguments":[],"options":{}}\nlist\n');
  const [outcome = ''] = await person.answer();
  const { lines } = JSON.parse(outcome);
  expect(lines).toEqual([expect.stringMatching(/^ADDRESS /), expect.stringMatching(inUtc)]);
});

test('what an older rater answers is shown as it is', async () => {
  site = new Site();
  const path = join(temporaryDirectory(), 'control.sock');
  const answer = { exit: 0, lines: ['up 5 seconds, since 2026-01-31 08:05:46, pid 1'] };
  const older = createServer((socket) => socket.end(`${JSON.stringify(answer)}\n`));
  await new Promise<void>((resolve) => older.listen(path, resolve));
  site.configure({ settings: `control: "${path}";` });
  const call = { command: 'uptime', arguments: [], options: {} };
  expect(await askDaemon(path, call)).toEqual(answer);
  expect((await site.ipthrottle('uptime')).stdout).toBe(`${answer.lines[0]}\n`);
  older.close();
});

test('history takes instants in the zone of the caller', async () => {
  await blocked();
  const kolkataMs = 5.5 * 3_600_000;
  const local = (ms: number) => new Date(ms + kolkataMs).toISOString().slice(0, 16);
  const aMinuteAgo = local(Date.now() - 60_000);
  const found = (option: string) => ipthrottle('Asia/Kolkata', 'history', option, aMinuteAgo);
  expect(found('--since')).toMatch(/\+05:30 +blocked +192\.0\.2\.1 /);
  expect(found('--until')).not.toContain('192.0.2.1');
});
