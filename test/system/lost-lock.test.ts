/**
 * The files of rater's locks are removed while it runs: it takes them anew, and no second rater
 * comes to work on the same database.
 *
 * Tests: src/daemon/locks.ts
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { RunningProgram } from './running-program.ts';
import { Site } from './site.ts';

let site: Site;
const others: RunningProgram[] = [];

afterEach(async () => {
  for (const other of others.splice(0)) await other.end();
  await site.stop();
});

const names = ['rater.sock.lock', 'blocks.db.lock'];

/** Another rater on the same database and peers directory, with sockets of its own. */
function spawnOther(): RunningProgram {
  const text = readFileSync(site.path('rater.conf'), 'utf8');
  const own = text.replace('"rater.sock"', '"other.sock"; control: "other-control.sock"');
  writeFileSync(site.path('other.conf'), own);
  const program = new URL('../../bin/rater', import.meta.url).pathname;
  const other = new RunningProgram({
    command: [process.execPath, program, '-c', 'other.conf'],
    directory: site.directory,
  });
  others.push(other);
  return other;
}

function again(name: string): RegExp {
  return new RegExp(`^rater: warn: locked again: file=\\S*${name.replaceAll('.', '\\.')}$`, 'm');
}

test('they are made anew and locked, each time', async () => {
  site = new Site();
  const rater = await site.startRater();
  for (let turn = 1; turn <= 2; turn += 1) {
    for (const name of names) rmSync(site.path(name));
    for (const name of names) {
      await rater.says(new RegExp(`(${again(name).source}[\\s\\S]*){${turn}}`, 'm'));
      expect(existsSync(site.path(name))).toBe(true);
    }
    const same = site.spawnRater();
    expect(await same.ends()).toBe(100);
    expect(same.said).toMatch(/another rater is running: on .*rater\.sock\n$/);
    const other = spawnOther();
    expect(await other.ends()).toBe(100);
    expect(other.said).toMatch(/another rater is running: on .*blocks\.db\n$/);
  }
  expect(await site.ipthrottle('status')).toMatchObject({ exit: 0 });
});

test('one that another rater has taken is trouble until that ends, and costs no descriptors', async () => {
  site = new Site();
  const rater = await site.startRater();
  rater.signal('SIGSTOP');
  rmSync(site.path('blocks.db.lock'));
  const other = spawnOther();
  await other.says(/info: ready/);
  const descriptors = () => readdirSync(`/proc/${rater.pid}/fd`).length;
  rater.signal('SIGCONT');
  await rater.says(
    /error: trouble: part="lock \S*blocks\.db\.lock" what="another rater is running: /,
  );
  const looks = async () => {
    const { stdout } = await site.ipthrottle('status', '--json');
    return JSON.parse(stdout).troubles[0].failures as number;
  };
  const before = descriptors();
  const seen = await looks();
  while ((await looks()) < seen + 3);
  expect(descriptors()).toBe(before);
  await other.killedBy('SIGTERM');
  await rater.says(/recovered: part="lock \S*blocks\.db\.lock"/);
  await rater.says(again('blocks.db.lock'));
  expect(await site.ipthrottle('status')).toMatchObject({ exit: 0 });
});

test('one whose directory was removed is taken anew once that is back', async () => {
  site = new Site();
  mkdirSync(site.path('run'));
  const text = readFileSync(site.path('rater.conf'), 'utf8');
  site.configure(text.replace('"rater.sock"', '"run/rater.sock"'));
  const rater = await site.startRater();
  rmSync(site.path('run'), { recursive: true });
  await rater.says(
    /error: trouble: part="lock \S*rater\.sock\.lock" what="cannot listen: there is no directory /,
  );
  mkdirSync(site.path('run'));
  await rater.says(/recovered: part="lock \S*rater\.sock\.lock"/);
  await rater.says(again('rater.sock.lock'));
});
