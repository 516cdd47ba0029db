/**
 * A database that is full, locked, damaged or cannot be opened, under the real daemon: clients that
 * exceed the limit are refused, blocks end on time, and whatever is missing is written later.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { unless } from '../run/unless.ts';
import { column, rawDatabase } from '../store/raw-database.ts';
import { ask } from './line-client.ts';
import { cannotBecomeNobody, nobody, programsForNobody } from './nobody.ts';
import { until } from './running-program.ts';
import { Site } from './site.ts';
import { noSmallDisk, SmallDisk } from './small-disk.ts';

let site: Site;
const undo: (() => void)[] = [];

afterEach(async () => {
  for (const work of undo.splice(0)) work();
  await site.stop();
});

function say(text: string): Promise<string> {
  return ask({ path: site.path('rater.sock') }, [text]);
}

/** Three hits where two are allowed. */
async function exceed(address: string): Promise<void> {
  expect(await say(`ip ${address}\n`.repeat(3))).toMatch(/^0 1\/2\r\n0 2\/2\r\n1 3\/2 \d+\r\n$/);
}

function linesWith(pattern: RegExp, text: string): number {
  return text.split('\n').filter((line) => pattern.test(line)).length;
}

/** Addresses of the blocks that the file has, whoever has it open. */
function stored(): string[] {
  const database = rawDatabase(site.path('blocks.db'), { readonly: true });
  try {
    return column(database, 'SELECT address FROM blocks ORDER BY address') as string[];
  } finally {
    database.close();
  }
}

const limits = 'ip: ( ("*", 60, 2) );';

describe('locked by somebody else', () => {
  test('rater counts, blocks and unblocks, reports the trouble once, and writes everything later', async () => {
    site = new Site({ limits, seconds: 6 });
    const rater = await site.startRater();
    await exceed('192.0.2.1');
    const other = rawDatabase(site.path('blocks.db'));
    other.exec('BEGIN IMMEDIATE');
    await site.ipthrottle('block', '192.0.2.9', '--for', '1h');
    await exceed('192.0.2.2');
    await rater.says(/block ended: address=192\.0\.2\.1 /);
    await rater.says(/block ended: address=192\.0\.2\.2 /);
    // The next one begins anew, and the row of the first does not end it.
    await exceed('192.0.2.1');
    expect(site.peers()).toEqual(['192.0.2.1', '192.0.2.9']);
    const { exit, stdout } = await site.ipthrottle('status');
    expect({ exit, stdout }).toMatchObject({
      exit: 1,
      stdout: expect.stringMatching(/trouble: store: .*locked/),
    });
    expect((await site.ipthrottle('doctor')).stdout).toMatch(/problem: troubles: store: .*locked/);
    other.exec('ROLLBACK');
    other.close();
    await rater.says(/recovered: part=store/);
    await until("the operator's block is stored", () => stored().includes('192.0.2.9'));
    await rater.says(/(block ended: address=192\.0\.2\.1 [\s\S]*){2}/);
    await until('only that', () => stored().join() === '192.0.2.9');
    expect(await site.ipthrottle('status')).toMatchObject({ exit: 0 });
    expect(linesWith(/trouble: part=store/, rater.said), rater.said).toBe(1);
    expect(linesWith(/recovered: part=store/, rater.said)).toBe(1);
    expect(linesWith(/block ended: address=192\.0\.2\.1 /, rater.said)).toBe(2);
  });

  test('rater does not start, and says why', async () => {
    site = new Site();
    await (await site.startRater()).killedBy('SIGTERM');
    const other = rawDatabase(site.path('blocks.db'));
    other.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    const rater = site.spawnRater();
    expect(await rater.ends()).toBe(111);
    other.close();
    expect(rater.said).toMatch(/^rater: error: database not usable now: .*locked\n$/);
  });
});

describe('on a full disk', () => {
  const directory = () => site.path('db');

  test(
    'rater goes on, and writes what was missing when there is room',
    unless(noSmallDisk),
    async () => {
      site = new Site();
      site.configure(
        `settings : { socket: "rater.sock"; db_path: "db/blocks.db"; };
       limits : { ${limits} }; blocking : { time: 4; peers: "peers"; };`,
      );
      mkdirSync(directory());
      const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=300k', 'none', directory()]);
      expect(mounted.status, String(mounted.stderr)).toBe(0);
      let isMounted = true;
      const unmount = () => {
        if (isMounted) spawnSync('umount', ['-l', directory()]);
        isMounted = false;
      };
      undo.push(unmount);
      const rater = await site.startRater();
      await exceed('192.0.2.1');
      try {
        writeFileSync(site.path('db', 'fill'), Buffer.alloc(400_000));
      } catch {
        // It is full now.
      }
      await exceed('192.0.2.2');
      await rater.says(/trouble: part=store .*full/);
      await rater.says(/block ended: address=192\.0\.2\.1 /);
      await rater.says(/block ended: address=192\.0\.2\.2 /);
      await site.ipthrottle('block', '192.0.2.9', '--for', '1h');
      expect((await site.ipthrottle('status')).exit, rater.said).toBe(1);
      rmSync(site.path('db', 'fill'));
      await rater.says(/recovered: part=store/);
      // Its heartbeat was on that disk as well.
      await until('all is well', async () => (await site.ipthrottle('status')).exit === 0);
      expect(linesWith(/trouble: part=store/, rater.said), rater.said).toBe(1);
      expect(linesWith(/recovered: part=store/, rater.said)).toBe(1);
      expect(linesWith(/block ended: address=192\.0\.2\.1 /, rater.said)).toBe(1);
      await rater.killedBy('SIGKILL');
      rmSync(site.path('peers', '192.0.2.9'));
      const again = await site.startRater();
      expect(again.said).toMatch(/ready:.* blocks=1 /);
      expect(site.peers()).toEqual(['192.0.2.9']);
      await again.killedBy('SIGTERM');
      unmount();
    },
  );
});

describe('on a read-only disk', () => {
  test(
    'rater refuses known and new offenders, and writes everything when it can again',
    unless(noSmallDisk),
    async () => {
      site = new Site();
      site.configure(
        `settings : { socket: "rater.sock"; db_path: "db/blocks.db"; };
         limits : { ${limits} }; blocking : { time: 600; peers: "peers"; };`,
      );
      const disk = new SmallDisk(site.path('db'), '600k');
      undo.push(() => disk.unmount());
      const before = await site.startRater();
      await exceed('192.0.2.1');
      // Killed, it leaves files that let the next one read.
      await before.killedBy('SIGKILL');
      disk.makeReadOnly();
      const rater = await site.startRater();
      expect(rater.said).toMatch(/ready:.* blocks=1 /);
      await exceed('192.0.2.2');
      await rater.says(/trouble: part=store .*readonly/);
      expect((await site.ipthrottle('status')).exit).toBe(1);
      expect((await site.ipthrottle('doctor')).stdout).toMatch(/file system is read-only/);
      disk.makeWritable();
      await rater.says(/recovered: part=store/);
      await until('all is well', async () => (await site.ipthrottle('status')).exit === 0);
      expect(linesWith(/trouble: part=store/, rater.said), rater.said).toBe(1);
      await rater.killedBy('SIGKILL');
      for (const name of site.peers()) rmSync(site.path('peers', name));
      const again = await site.startRater();
      expect(again.said).toMatch(/ready:.* blocks=2 /);
      await again.killedBy('SIGTERM');
    },
  );
});

const damages: readonly (readonly [string, (path: string) => void])[] = [
  ['is no database', (path) => writeFileSync(path, 'rubbish'.repeat(1000))],
  ['has a garbage header', (path) => overwrite(path, 0, 64)],
  ['has random bytes in the middle', (path) => overwrite(path, 4096, 12_000)],
  ['is truncated', (path) => truncateSync(path, 8192)],
];

function overwrite(path: string, from: number, length: number): void {
  const bytes = readFileSync(path);
  writeFileSync(path, bytes.fill(0xa5, from, from + length));
}

describe('damaged', () => {
  test.each(damages)('a file that %s is set aside, and its blocks come back', async (_, damage) => {
    site = new Site();
    const before = await site.startRater();
    await site.ipthrottle('block', '192.0.2.1', '192.0.2.2', '--for', '1h');
    await before.killedBy('SIGTERM');
    damage(site.path('blocks.db'));
    const bytes = readFileSync(site.path('blocks.db'));
    const offline = await site.ipthrottle('list');
    expect(offline).toMatchObject({ exit: 100, stderr: expect.stringMatching(/is damaged/) });
    expect(readFileSync(site.path('blocks.db'))).toEqual(bytes);
    const rater = await site.startRater();
    expect(linesWith(/error: database set aside: .*files=.*damaged-/, rater.said)).toBe(1);
    expect(rater.said).toMatch(/ready:.* blocks=2 /);
    expect((await site.list()).map(({ address }) => address).sort()).toEqual([
      '192.0.2.1',
      '192.0.2.2',
    ]);
    const aside = readdirSync(site.directory).filter((name) => /\.damaged-\w+\.\w+$/.test(name));
    expect(aside).toHaveLength(1);
    expect(readFileSync(site.path(aside[0] ?? ''))).toEqual(bytes);
    const { exit, stdout } = await site.ipthrottle('doctor');
    expect(exit).toBe(1);
    expect(stdout).toMatch(/problem: database: .*set aside.*remedy: .*recover/);
  });

  test('a journal that a killed rater left is set aside with it, unchanged', async () => {
    site = new Site();
    await (await site.startRater()).killedBy('SIGTERM');
    const before = await site.startRater();
    await site.ipthrottle('block', '192.0.2.1', '--for', '1h');
    await before.killedBy('SIGKILL');
    overwrite(site.path('blocks.db'), 0, 64);
    const ends = ['', '-wal'];
    const bytes = ends.map((end) => readFileSync(site.path(`blocks.db${end}`)));
    const offline = await site.ipthrottle('block', '192.0.2.2', '--for', '1h');
    expect(offline).toMatchObject({ exit: 100, stderr: expect.stringMatching(/is damaged/) });
    const rater = await site.startRater();
    const aside = /files=\S*\/(\S+?\.damaged-\w+\.\w+)/.exec(rater.said)?.[1];
    expect(ends.map((end) => readFileSync(site.path(`${aside}${end}`)))).toEqual(bytes);
    expect(rater.said).toMatch(/ready:.* blocks=1 /);
  });

  test('one that its first rater was killed while creating is opened by the next', async () => {
    site = new Site();
    const first = rawDatabase(site.path('blocks.db'));
    first.exec('PRAGMA journal_mode = DELETE; CREATE TABLE begun (a)');
    first.exec("BEGIN IMMEDIATE; INSERT INTO begun VALUES ('half')");
    // As it lies there when the process is killed: a journal that undoes what was begun.
    first.exec('PRAGMA cache_size = 1; PRAGMA cache_spill = 1');
    for (let row = 0; row < 2000; row += 1) first.exec(`INSERT INTO begun VALUES ('${row}')`);
    const left = ['', '-journal'].map((end) => [end, readFileSync(site.path(`blocks.db${end}`))]);
    first.exec('ROLLBACK');
    first.close();
    for (const [end, bytes] of left) writeFileSync(site.path(`blocks.db${end}`), bytes ?? '');
    const rater = await site.startRater();
    expect(rater.said).toMatch(/ready:.* blocks=0 /);
  });

  test('an empty file, and one whose -wal is garbage, are filled from the directory', async () => {
    site = new Site();
    await site.startRater().then(async (rater) => {
      await site.ipthrottle('block', '192.0.2.1', '--for', '1h');
      await rater.killedBy('SIGKILL');
    });
    writeFileSync(site.path('blocks.db-wal'), 'rubbish'.repeat(5000));
    const second = await site.startRater();
    expect(second.said).toMatch(/ready:.* blocks=1 /);
    await second.killedBy('SIGTERM');
    writeFileSync(site.path('blocks.db'), '');
    expect((await site.startRater()).said).toMatch(/ready:.* blocks=1 /);
  });

  test('a row that makes no sense is reported and left out', async () => {
    site = new Site();
    await (await site.startRater()).killedBy('SIGTERM');
    const insert = (address: string, untilMs: number) =>
      `INSERT INTO blocks VALUES ('${address}', 'ip', 1, ${untilMs}, 1, 1, 1, 1, 'rate', '', 0);`;
    const database = rawDatabase(site.path('blocks.db'));
    const hence = Date.now() + 3_600_000;
    database.exec(insert('nonsense', 5) + insert('192.0.2.1', 9e18) + insert('192.0.2.2', hence));
    database.close();
    const rater = await site.startRater();
    expect(linesWith(/error: row left out: row=.*(nonsense|192\.0\.2\.1)/, rater.said)).toBe(2);
    expect((await site.list()).map(({ address }) => address)).toEqual(['192.0.2.2']);
  });
});

describe('one that cannot be opened', () => {
  test('a newer version ends rater with 100, and is left as it is', async () => {
    site = new Site();
    await (await site.startRater()).killedBy('SIGTERM');
    const database = rawDatabase(site.path('blocks.db'));
    database.exec('PRAGMA user_version = 999');
    database.close();
    const bytes = readFileSync(site.path('blocks.db'));
    const rater = site.spawnRater();
    expect(await rater.ends()).toBe(100);
    expect(rater.said).toMatch(
      /^rater: error: database is from a newer version: [^\n]*999[^\n]*\n$/,
    );
    expect(readFileSync(site.path('blocks.db'))).toEqual(bytes);
  });

  // SQLite opens a file that is only readable, and from then on nothing would ever be written.
  test.each([
    ['read', 0],
    ['write', 0o444],
  ])(
    'one that the user of rater may not %s ends rater with 100, and is left as it is',
    unless(cannotBecomeNobody),
    async (_, mode) => {
      site = new Site({}, nobody);
      await (await site.startRater()).killedBy('SIGTERM');
      chmodSync(site.path('blocks.db'), mode);
      chownSync(site.path('blocks.db'), 0, 0);
      const bytes = readFileSync(site.path('blocks.db'));
      const rater = site.spawnRater();
      expect(await rater.ends()).toBe(100);
      expect(rater.said).toMatch(
        /^rater: error: database cannot be opened: .*permission denied\n$/,
      );
      expect(readFileSync(site.path('blocks.db'))).toEqual(bytes);
    },
  );

  test(
    'one in a directory that may not be searched is not reported as missing',
    unless(cannotBecomeNobody),
    () => {
      site = new Site();
      mkdirSync(site.path('db'), { mode: 0o700 });
      site.configure(
        `settings : { socket: "rater.sock"; db_path: "db/blocks.db"; }; limits : { ${limits} };`,
      );
      const command = [
        join(programsForNobody, 'ipthrottle'),
        '-c',
        site.path('rater.conf'),
        'list',
      ];
      const options = { uid: nobody, gid: nobody, encoding: 'utf8' } as const;
      const { status, stderr } = spawnSync(process.execPath, command, options);
      expect({ status, stderr }).toEqual({
        status: 100,
        stderr: expect.stringMatching(/^[^\n]*cannot be opened: .*permission denied[^\n]*\n$/),
      });
    },
  );

  test('a pipe in its place ends rater, which does not wait for it', async () => {
    site = new Site();
    spawnSync('mkfifo', [site.path('blocks.db')]);
    const rater = site.spawnRater();
    expect(await rater.ends()).toBe(111);
    expect(rater.said).toMatch(/^rater: error: database /);
  });

  test('a directory in its place ends rater with 100', async () => {
    site = new Site();
    mkdirSync(site.path('blocks.db'));
    const rater = site.spawnRater();
    expect(await rater.ends()).toBe(100);
    expect(rater.said).toMatch(/^rater: error: database cannot be opened: .*it is a directory\n$/);
  });
});
