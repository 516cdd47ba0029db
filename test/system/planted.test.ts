/**
 * Files that others put into the directories of rater if they may write there: symbolic links to
 * files of rater's user elsewhere, pipes, and occupied names. Nothing outside is ever written,
 * created, removed or given another mode, and nothing makes rater wait.
 *
 * The directories are not sticky, so the kernel's own protection of links does not help.
 *
 * Tests: src/files/planted-file.ts
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../run/temporary-directory.ts';
import { missing, unless } from '../run/unless.ts';
import { cannotBecomeNobody, nobody } from './nobody.ts';
import { until } from './running-program.ts';
import { type Plan, Site } from './site.ts';

const attacker = 60_002;

let site: Site;
let outside: string;
let before: string;

/** A file of rater's user, and the name of one that is not there, where he may create it. */
const precious = () => join(outside, 'precious');
const absent = () => join(outside, 'absent');

function looks(): string {
  const { mode, uid, gid, ino, size, mtimeMs, nlink } = lstatSync(precious());
  const text = readFileSync(precious(), 'utf8');
  return JSON.stringify({ mode, uid, gid, ino, size, mtimeMs, nlink, text });
}

function openSite(plan: Plan): void {
  site = new Site(plan, nobody);
  for (const path of [site.directory, site.path('peers')]) chmodSync(path, 0o777);
}

function plant(target: string, ...names: string[]): void {
  const path = site.path(...names);
  rmSync(path, { force: true });
  symlinkSync(target, path);
  lchownSync(path, attacker, attacker);
}

function plantPipe(...names: string[]): void {
  const path = site.path(...names);
  rmSync(path, { force: true });
  execFileSync('mkfifo', ['-m', '0666', path]);
  chownSync(path, attacker, attacker);
}

beforeEach(() => {
  outside = temporaryDirectory();
  writeFileSync(precious(), 'precious\n', { mode: 0o640 });
  for (const path of [outside, precious()]) chownSync(path, nobody, nobody);
  before = looks();
});

afterEach(async () => {
  await site.stop();
  expect(looks()).toBe(before);
  expect(existsSync(absent())).toBe(false);
});

const targets = [
  ['a file', precious],
  ['nothing', absent],
] as const;

describe('at start', unless(cannotBecomeNobody), () => {
  const settings = 'log: "rater.log";';
  const taken = [
    { name: 'rater.sock.lock', says: /cannot listen: .*rater\.sock\.lock is not a file, and uid/ },
    { name: 'blocks.db.lock', says: /cannot listen: .*blocks\.db\.lock is not a file, and uid/ },
    { name: 'blocks.db', says: /database not usable now: .*blocks\.db is not a file, and uid/ },
    { name: 'rater.log', says: /cannot write the log: .*rater\.log is not a file, and uid/ },
    { name: 'rater.sock', says: /cannot listen: .*rater\.sock is there and is not a socket/ },
    { name: 'control.sock', says: /cannot listen: .*control\.sock is there and is not a socket/ },
  ];

  test.for(taken)('$name: rater does not use what is planted, and ends', async ({ name, says }) => {
    for (const kind of ['a file', 'nothing', 'a pipe']) {
      openSite({ settings });
      if (kind === 'a pipe') plantPipe(name);
      else plant(kind === 'a file' ? precious() : absent(), name);
      const rater = site.spawnRater();
      expect(await rater.ends(), kind).toBe(111);
      expect(rater.said, kind).toMatch(says);
      await site.stop();
    }
    openSite({});
  });

  test.for(['blocks.db-wal', 'blocks.db-shm'])('%s is not followed either', async (name) => {
    openSite({});
    await (await site.startRater()).killedBy('SIGTERM');
    plant(absent(), name);
    await site.spawnRater().ends();
    plant(precious(), name);
    await site.spawnRater().ends();
  });

  test("a link of rater's own user, or of root, is followed", async () => {
    openSite({ settings });
    symlinkSync(join(outside, 'log'), site.path('rater.log'));
    symlinkSync(join(outside, 'blocks.db'), site.path('blocks.db'));
    lchownSync(site.path('blocks.db'), nobody, nobody);
    site.spawnRater();
    await until('it logs there', () => {
      return (
        existsSync(join(outside, 'log')) && /ready/.test(readFileSync(join(outside, 'log'), 'utf8'))
      );
    });
    expect(lstatSync(join(outside, 'blocks.db')).uid).toBe(nobody);
  });
});

describe('in the peers directory', unless(cannotBecomeNobody), () => {
  test.for(targets)('a link to %s in place of a block stays', async ([, target]) => {
    openSite({});
    plant(target(), 'peers', '192.0.2.1');
    const rater = await site.startRater();
    expect(await site.ipthrottle('block', '192.0.2.1')).toMatchObject({ exit: 0 });
    await rater.says(/blocked: address=192\.0\.2\.1 .*not possible/);
    expect(await site.ipthrottle('unblock', '192.0.2.1')).toMatchObject({ exit: 0 });
    expect(readlinkSync(site.path('peers', '192.0.2.1'))).toBe(target());
  });

  test.for(targets)('a link to %s in place of a temporary file is replaced', async ([, target]) => {
    openSite({ blocking: 'mode: "polite";' });
    await site.startRater();
    plant(target(), 'peers', '..192.0.2.1.ipthrottle');
    expect(await site.ipthrottle('block', '192.0.2.1')).toMatchObject({ exit: 0 });
    expect(lstatSync(site.path('peers', '192.0.2.1')).mode & 0o7777).toBe(0o555);
    expect(site.peers()).toEqual(['192.0.2.1']);
  });

  test.for(targets)('a link to %s in place of a file put aside is removed', async ([, target]) => {
    openSite({});
    // As if rater had been killed while it read the file of a block: both have the same time.
    const [cover, aside] = ['192.0.2.1', '..192.0.2.1.aside.ipthrottle'];
    writeFileSync(site.path('peers', cover), '', { mode: 0o200 });
    utimesSync(site.path('peers', cover), 2_000_000_000, 2_000_000_000);
    plant(target(), 'peers', aside);
    lutimesSync(site.path('peers', aside), 2_000_000_000, 2_000_000_000);
    await site.startRater();
    expect(site.peers()).toEqual([cover]);
  });

  test('names that cannot be removed keep no block out of force', async () => {
    openSite({});
    const rater = await site.startRater();
    expect(await site.ipthrottle('block', '192.0.2.1')).toMatchObject({ exit: 0 });
    await rater.killedBy('SIGKILL');
    rmSync(site.path('peers', '192.0.2.1'));
    mkdirSync(site.path('peers', '..192.0.2.2.ipthrottle'));
    mkdirSync(site.path('peers', '..192.0.2.3.aside.ipthrottle'));
    writeFileSync(site.path('peers', '..192.0.2.4.ipthrottle'), '');
    chownSync(site.path('peers', '..192.0.2.4.ipthrottle'), attacker, attacker);
    // Only owners may remove there now.
    chownSync(site.path('peers'), 0, 0);
    chmodSync(site.path('peers'), 0o1777);
    await site.startRater();
    expect(site.peers()).toContain('192.0.2.1');
  });

  test('a pipe makes nobody wait', async () => {
    openSite({ blocking: 'peers_cdb: "peers.cdb";' });
    plantPipe('peers', '192.0.2.1');
    plantPipe('peers', '..192.0.2.1.aside.ipthrottle');
    await site.startRater();
    expect(await site.ipthrottle('block', '192.0.2.1', '192.0.2.2')).toMatchObject({ exit: 0 });
    expect(await site.ipthrottle('check', '192.0.2.1')).toMatchObject({ exit: expect.any(Number) });
    expect(await site.ipthrottle('doctor')).toMatchObject({ exit: expect.any(Number) });
    expect(site.peers()).toContain('192.0.2.2');
  });

  test('a device without an end is not read', async () => {
    openSite({ blocking: 'peers_cdb: "peers.cdb";' });
    plant('/dev/zero', 'peers', '192.0.2.1');
    const rater = await site.startRater();
    await rater.says(/cdb not compiled.*192\.0\.2\.1: it is a device/);
  });
});

describe('at the cdb', unless(cannotBecomeNobody ?? missing('tcprules', 'tcprulescheck')), () => {
  // The network is for tcprules to compile, so that it is called.
  const rules = '198.51.0.0/16:deny\n:allow\n';

  test.for(targets)('a link to %s in its place is replaced by the cdb', async ([, target]) => {
    openSite({ rules });
    plant(target(), 'rules.cdb');
    await site.startRater();
    expect(await site.ipthrottle('block', '192.0.2.1')).toMatchObject({ exit: 0 });
    await until('the block is in the cdb', () => site.isDeniedByCdb('192.0.2.1'));
    expect(lstatSync(site.path('rules.cdb'))).toMatchObject({ uid: nobody });
    // A file, with the mode of a new one and not that of what the link led to.
    expect(lstatSync(site.path('rules.cdb')).mode).toBe(0o100644);
  });

  test('a pipe in its place is replaced by the cdb', async () => {
    openSite({ rules });
    plantPipe('rules.cdb');
    await site.startRater();
    expect(await site.ipthrottle('block', '192.0.2.1')).toMatchObject({ exit: 0 });
    await until('the block is in the cdb', () => site.isDeniedByCdb('192.0.2.1'));
  });

  test.for(targets)('links to %s in place of temporary files are replaced', async ([, target]) => {
    openSite({ rules });
    const { pid } = await site.startRater();
    await until('the first cdb', () => existsSync(site.path('rules.cdb')));
    for (const what of ['', 'compiling.', 'compiled.', 'trying.', 'trial.']) {
      plant(target(), `..rules.cdb.${what}${pid}.tmp`);
    }
    for (const address of ['192.0.2.1', '2001:db8::1']) await site.ipthrottle('block', address);
    await until('the block is in the cdb', () => site.isDeniedByCdb('192.0.2.1'));
  });
});
