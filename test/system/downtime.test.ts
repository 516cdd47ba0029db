/**
 * A downtime, in which every check fails open, is reported at the next start, by status and by
 * doctor.
 *
 * Tests: src/health/heartbeat.ts
 */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { downtimeAt, Heartbeat } from '../../src/health/heartbeat.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { examine, startAsked } from '../doctor/examination.ts';
import { until } from './running-program.ts';
import { Site } from './site.ts';

let site: Site;

afterEach(() => site.stop());

async function away() {
  return JSON.parse((await site.ipthrottle('status', '--json')).stdout).away;
}

/** Makes the last heartbeat so old. */
function age(seconds: number): void {
  const then = Date.now() / 1000 - seconds;
  utimesSync(site.path('blocks.db.life'), then, then);
}

test('the first rater reports no downtime', async () => {
  site = new Site();
  const rater = await site.startRater();
  expect(await away()).toBe(null);
  expect(statSync(site.path('blocks.db.life')).mode & 0o777).toBe(0o600);
  expect((await site.ipthrottle('status')).stdout).not.toMatch(/^away:/m);
  expect(rater.said).not.toMatch(/was away/);
});

test('a rater that ends before it begins leaves the heartbeat as it was', () => {
  site = new Site();
  const path = site.path('blocks.db.life');
  new Heartbeat(path, systemClock).stop();
  expect(existsSync(path)).toBe(false);
  new Heartbeat(path, systemClock).begin();
  new Heartbeat(path, systemClock).stop();
  expect(downtimeAt(path)?.ended).toBe('killed');
});

test.each([
  { name: 'SIGTERM', ended: 'stopped', level: 'info', isHint: false },
  { name: 'SIGKILL', ended: 'killed', level: 'warn', isHint: true },
] as const)('after $name it was away and $ended', async ({ name, ended, level, isHint }) => {
  site = new Site();
  const first = await site.startRater();
  await first.killedBy(name);
  age(3000);

  // While it is away, status and doctor count from there.
  const alone = await site.ipthrottle('status');
  expect(alone).toMatchObject({ exit: 1 });
  expect(alone.stdout).toMatch(new RegExp(`^away: 50 minutes until now, ${ended}$`, 'm'));
  expect(await away()).toMatchObject({ until: null, ended });
  const [down] = (await examine(site)).findings;
  expect(down?.what).toMatch(new RegExp(`^rater is not running, ${ended} at 20\\S+Z: `));

  const startMs = Date.now();
  const second = await startAsked(site);
  await second.says(
    new RegExp(`^rater: ${level}: was away: seconds=30\\d\\d ended=${ended}$`, 'm'),
  );
  const told = await away();
  expect(told).toMatchObject({ ended });
  expect(told.seconds).toBeGreaterThanOrEqual(3000);
  expect(Date.parse(told.until)).toBeGreaterThanOrEqual(startMs);
  expect(Date.parse(told.until) - Date.parse(told.since)).toBeGreaterThanOrEqual(3_000_000);
  const { exit, stdout } = await site.ipthrottle('status');
  expect(exit).toBe(0);
  expect(stdout).toMatch(new RegExp(`^away: 50 minutes until 20\\S+ \\S+, ${ended}$`, 'm'));
  const { well, findings } = await examine(site);
  expect(well).toBe(true);
  const hints = findings.map(({ what }) => what);
  if (!isHint) expect(hints).toEqual([]);
  else expect(hints).toEqual([expect.stringMatching(/^rater was killed, and away for 30\d\d s /)]);
});

test('with a date that was set back the length is unknown, and not negative', async () => {
  site = new Site();
  const first = await site.startRater();
  await first.killedBy('SIGKILL');
  age(-3600);
  expect((await site.ipthrottle('status')).stdout).toMatch(
    /^away: unknown time until now, killed$/m,
  );
  const second = await site.startRater();
  await second.says(/^rater: warn: was away: ended=killed$/m);
  expect(await away()).toMatchObject({ seconds: null, ended: 'killed' });
  const { stdout } = await site.ipthrottle('status');
  expect(stdout).toMatch(/^away: unknown time until 20\S+ \S+, killed$/m);
});

test.each([
  { what: 'a pipe', put: (path: string) => execFileSync('mkfifo', [path]) },
  { what: 'a link', put: (path: string) => symlinkSync(site.path('precious'), path) },
])('$what in place of the heartbeat is trouble, and nothing worse', async ({ put }) => {
  site = new Site();
  writeFileSync(site.path('precious'), 'precious');
  put(site.path('blocks.db.life'));
  const rater = await site.startRater();
  await rater.says(/^rater: error: trouble: part=heartbeat what=/m);
  const { exit, stdout } = await site.ipthrottle('status');
  expect(exit).toBe(1);
  expect(stdout).toMatch(/^trouble: heartbeat: E/m);
  await rater.killedBy('SIGTERM');
  expect(await away()).toBe(null);
  expect(readFileSync(site.path('precious'), 'utf8')).toBe('precious');
});

test('a rater without a heartbeat at first still records that it was stopped', async () => {
  site = new Site();
  mkdirSync(site.path('blocks.db.life'));
  const rater = await site.startRater();
  await rater.says(/trouble: part=heartbeat/);
  rmdirSync(site.path('blocks.db.life'));
  await rater.killedBy('SIGTERM');
  expect(rater.said).toMatch(/recovered: part=heartbeat/);
  expect(await away()).toMatchObject({ until: null, ended: 'stopped' });
});

test('the heartbeat is repeated while rater runs', async () => {
  site = new Site();
  await site.startRater();
  age(3000);
  writeFileSync(site.path('mark'), '');
  const mark = statSync(site.path('mark')).mtimeMs;
  await until('another heartbeat', () => statSync(site.path('blocks.db.life')).mtimeMs >= mark);
});
