/**
 * Disks that are full or read-only under the files of a server and the log, with the real daemon,
 * tcpsvd and tcpserver: exactly the limit passes, no half-made file is left, the trouble is logged
 * once, and whatever is missing comes by itself.
 *
 * Tests: src/daemon/daemon-log.ts
 */
import { existsSync, lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, type TestContext, test } from 'vitest';
import { findInCdb } from '../../src/enforcers/cdb/cdb.ts';
import { missing, unless } from '../run/unless.ts';
import { burst, fates } from './connections.ts';
import { ask } from './line-client.ts';
import { type RunningProgram, until } from './running-program.ts';
import { type Plan, Site } from './site.ts';
import { noSmallDisk, SmallDisk } from './small-disk.ts';

const reason = noSmallDisk ?? missing('tcpsvd', 'tcpserver');
const rules = '127.0.9.9:deny\n:allow\n';
const limits = 'ip: ( ("*", 600, 2) );';
const adminsFile = '127.0.9.9';

type Fault = {
  readonly name: string;
  readonly begin: (disk: SmallDisk) => void;
  readonly end: (disk: SmallDisk) => void;
  /** Whether files can still be removed. */
  readonly mayRemove: boolean;
  /** Whether a file without a text can still be made. */
  readonly mayCreate: boolean;
};

const faults: readonly Fault[] = [
  {
    name: 'full',
    begin: (disk) => disk.fill(),
    end: (disk) => disk.empty(),
    mayRemove: true,
    mayCreate: true,
  },
  {
    name: 'out of files',
    begin: (disk) => disk.fillWithFiles(),
    end: (disk) => disk.empty(),
    mayRemove: true,
    mayCreate: false,
  },
  {
    name: 'read-only',
    begin: (disk) => disk.makeReadOnly(),
    end: (disk) => disk.makeWritable(),
    mayRemove: false,
    mayCreate: false,
  },
];

type Place = {
  readonly name: string;
  readonly plan: Plan;
  readonly disk: string;
  readonly server: 'tcpsvd' | 'tcpserver';
  /** In the log, when it begins and when it ends. */
  readonly begins: RegExp;
  readonly ends: RegExp;
  /** Whether the server refuses the address by a complete entry. */
  readonly isInForce: (site: Site, address: string) => boolean | Promise<boolean>;
  /** Whether a block is an entry of its own, which a full disk cannot keep from being made. */
  readonly isFile: boolean;
  readonly faults: readonly string[];
};

const ofPeers = {
  disk: 'peers',
  server: 'tcpsvd',
  begins: /^rater: error: trouble: part="?peers /gm,
  ends: /^rater: info: recovered: part="?peers /gm,
  isFile: true,
} as const;

const ofCdb = {
  disk: 'cdb',
  begins: /^rater: error: cdb not compiled, the old one stays: /gm,
  ends: /^rater: info: cdb compiled again: /gm,
  isFile: false,
} as const;

const places: readonly Place[] = [
  {
    ...ofPeers,
    name: 'the peers directory',
    plan: {},
    faults: ['full', 'out of files', 'read-only'],
    isInForce: (site, address) => hasTextAndMode(site, address, 0o200),
  },
  {
    ...ofPeers,
    name: 'the peers directory, politely',
    plan: { blocking: 'mode: "polite";' },
    faults: ['full', 'read-only'],
    isInForce: (site, address) => hasTextAndMode(site, address, 0o555),
  },
  {
    ...ofPeers,
    name: 'the peers directory, which is compiled',
    plan: { blocking: 'peers_cdb: "peers.cdb";' },
    faults: ['full'],
    isInForce: (site, address) => {
      return hasTextAndMode(site, address, 0o200) && isDeniedByPeersCdb(site, 'peers.cdb', address);
    },
  },
  {
    ...ofCdb,
    name: 'the directory of the compiled peers',
    server: 'tcpsvd',
    plan: { blocking: 'peers_cdb: "cdb/peers.cdb";' },
    faults: ['full'],
    isInForce: (site, address) => isDeniedByPeersCdb(site, 'cdb/peers.cdb', address),
  },
  {
    ...ofCdb,
    name: 'the directory of the tcprules cdb',
    server: 'tcpserver',
    plan: { blocking: 'tcprules: { source: "rules"; cdb: "cdb/rules.cdb"; };' },
    faults: ['full', 'read-only'],
    isInForce: (site, address) => site.isDeniedByCdb(address, 'cdb/rules.cdb'),
  },
];

function hasTextAndMode(site: Site, name: string, mode: number): boolean {
  const stats = lstatSync(site.path('peers', name), { throwIfNoEntry: false });
  return stats !== undefined && stats.size > 100 && (stats.mode & 0o7777) === mode;
}

function isDeniedByPeersCdb(site: Site, path: string, address: string): boolean {
  const data = findInCdb(readFileSync(site.path(path)), Buffer.from(address));
  return data !== undefined && data.at(-1) === 'D'.charCodeAt(0);
}

function counted(pattern: RegExp, { said }: RunningProgram): number {
  return [...said.matchAll(pattern)].length;
}

/** Everything that can be learned about the admin's files. */
function adminsFiles(site: Site) {
  return [site.path('rules'), site.path('peers', adminsFile)].map((path) => {
    const { ino, mode, size, mtimeMs } = lstatSync(path);
    return { ino, mode, size, mtimeMs, text: readFileSync(path, 'latin1') };
  });
}

/** Names that only unfinished work has. */
function temporaries(site: Site, directory: string): string[] {
  return readdirSync(site.path(directory)).filter((name) => /^\.\.(?!fill)/.test(name));
}

/** `finished` is the test's own `onTestFinished`. */
function prepare(
  finished: TestContext['onTestFinished'],
  plan: Plan,
  directory: string,
  size?: string,
): { readonly site: Site; readonly disk: SmallDisk } {
  const site = new Site({ limits, seconds: 3600, ...plan });
  const disk = new SmallDisk(site.path(directory), size);
  finished(async () => {
    disk.unmount();
    await site.stop();
  });
  writeFileSync(site.path('rules'), rules, { mode: 0o444 });
  writeFileSync(site.path('peers', adminsFile), '+OWN=1\n', { mode: 0o444 });
  return { site, disk };
}

/** More connections than the limit, and how many pass. */
async function exceed(port: number, address: string): Promise<number> {
  return fates(await burst(port, address, 12)).greeted;
}

function start(site: Site, { server }: Place): Promise<{ port: number }> {
  if (server === 'tcpsvd') return site.startTcpsvd();
  return site.startTcpserver('cdb/rules.cdb');
}

const cases = places.flatMap((place) => {
  return faults
    .filter(({ name }) => place.faults.includes(name))
    .map((fault) => ({ title: `${place.name}, ${fault.name}`, place, fault }));
});

describe('under a server', unless(reason), () => {
  test.concurrent.for(cases)(
    '$title: rater refuses, reports it once, and makes up for it later',
    async ({ place, fault }, { onTestFinished }) => {
      const { site, disk } = prepare(onTestFinished, place.plan, place.disk);
      const before = adminsFiles(site);
      const rater = await site.startRater();
      const { port } = await start(site, place);
      expect(await exceed(port, '127.0.1.1')).toBe(2);
      await until('the first is in force', () => place.isInForce(site, '127.0.1.1'));

      fault.begin(disk);
      expect(await exceed(port, '127.0.1.2')).toBe(2);
      expect(await exceed(port, '127.0.1.2')).toBe(0);
      expect(await exceed(port, '127.0.1.1')).toBe(0);
      await rater.says(new RegExp(place.begins, 'm'));
      expect(await place.isInForce(site, '127.0.1.2')).toBe(false);
      const isThere = place.isFile && site.peers().includes('127.0.1.2');
      expect(isThere).toBe(place.isFile && fault.mayCreate);
      const { exit, stdout } = await site.ipthrottle('status');
      expect({ exit, stdout }).toEqual({ exit: 1, stdout: expect.stringMatching(/^trouble: /m) });
      const { stdout: diagnosis } = await site.ipthrottle('doctor');
      expect(diagnosis).toMatch(/problem: troubles: .*(peers|rules\.cdb)/);

      // Where there is no file left, the one that is removed would make room.
      const unblocks = fault.mayRemove === fault.mayCreate;
      const unblocked = unblocks ? await site.ipthrottle('unblock', '127.0.1.1') : undefined;
      if (place.isFile && unblocked) {
        expect(unblocked.exit).toBe(fault.mayRemove ? 0 : 111);
        if (!fault.mayRemove) expect(unblocked.stderr).toMatch(/127\.0\.1\.1 stays blocked: /);
        expect(await exceed(port, '127.0.1.1')).toBe(fault.mayRemove ? 2 : 0);
      }
      await site.ipthrottle('block', '127.0.1.3', '--for', '1s');
      await rater.says(/block ended: address=127\.0\.1\.3 /).catch((error) => {
        if (fault.mayRemove || !place.isFile) throw error;
      });
      await until('nothing half is left', () => temporaries(site, place.disk).length === 0);

      // Where something could be removed, the second may have had the room for a while.
      const outages = counted(place.ends, rater) + 1;
      expect(outages, rater.said).toBeLessThanOrEqual(
        place.isFile && unblocked && fault.mayRemove ? 2 : 1,
      );
      fault.end(disk);
      await until('the second is in force', () => place.isInForce(site, '127.0.1.2'));
      await until('the end of the trouble', () => counted(place.ends, rater) >= outages);
      await until('status is well', async () => (await site.ipthrottle('status')).exit === 0);
      expect(await exceed(port, '127.0.1.2')).toBe(0);
      expect(await place.isInForce(site, '127.0.1.3')).toBe(false);
      expect(counted(place.begins, rater), rater.said).toBe(outages);
      expect(counted(place.ends, rater), rater.said).toBe(outages);
      await until('nothing half is left', () => temporaries(site, place.disk).length === 0);
      expect(adminsFiles(site)).toEqual(before);
    },
  );

  test.concurrent.for(cases)(
    '$title: rater starts, and puts all in force afterwards',
    async ({ place, fault }, { onTestFinished }) => {
      const { site, disk } = prepare(onTestFinished, place.plan, place.disk);
      const before = adminsFiles(site);
      const first = await site.startRater();
      await site.ipthrottle('block', '127.0.1.1', '--for', '1h');
      await until('it is in force', () => place.isInForce(site, '127.0.1.1'));
      await first.killedBy('SIGKILL');
      if (place.isFile) rmSync(site.path('peers', '127.0.1.1'));
      fault.begin(disk);

      const rater = await site.startRater();
      const path = site.path('rater.sock');
      expect(await ask({ path }, ['ip 127.0.1.1\n'])).toMatch(/^1 /);
      expect(await ask({ path }, ['ip 127.0.1.2\n'.repeat(3)])).toMatch(
        /^0 1\/2\r\n0 2\/2\r\n1 3\/2 \d+\r\n$/,
      );
      await rater.says(/^rater: error: (trouble: part="?(peers|tcprules) |cdb not compiled)/m);
      expect(await site.ipthrottle('status')).toMatchObject({ exit: 1 });
      fault.end(disk);
      for (const address of ['127.0.1.1', '127.0.1.2']) {
        await until(`${address} is in force`, () => place.isInForce(site, address));
      }
      await until('status is well', async () => (await site.ipthrottle('status')).exit === 0);
      await until('nothing half is left', () => temporaries(site, place.disk).length === 0);
      expect(adminsFiles(site)).toEqual(before);
    },
  );
});

test.concurrent.for(['silent', 'polite'])(
  'a %s block without text for want of room stays the same file until there is room',
  unless(reason),
  async (mode, { onTestFinished }) => {
    const { site, disk } = prepare(onTestFinished, { blocking: `mode: "${mode}";` }, 'peers');
    const rater = await site.startRater();
    disk.fill();
    await site.ipthrottle('block', '127.0.1.1', '--for', '1h');
    await rater.says(ofPeers.begins);
    const file = () => lstatSync(site.path('peers', '127.0.1.1'));
    const { ino, size } = file();
    expect(size).toBe(0);
    // Meanwhile changes of the directory are noticed, and what failed is tried again.
    await new Promise((resolve) => setTimeout(resolve, 6000));
    expect(file().ino).toBe(ino);
    disk.empty();
    const whole = mode === 'silent' ? 0o200 : 0o555;
    await until('it is whole', () => hasTextAndMode(site, '127.0.1.1', whole));
  },
);

describe.concurrent('the log', unless(reason), () => {
  test('on a full disk: stderr and status tell it, and what waited is written by itself', async ({
    onTestFinished,
  }) => {
    const { site, disk } = prepare(onTestFinished, { settings: 'log: "log/rater.log";' }, 'log');
    const written = () => readFileSync(site.path('log', 'rater.log'), 'latin1');
    const rater = site.spawnRater();
    await until('the socket', () => existsSync(site.path('rater.sock')));
    await until('rater', async () => (await site.ipthrottle('status')).exit === 0);
    disk.fill();
    await site.ipthrottle('var', 'settings.log_level', '4');
    for (let octet = 1; !/trouble/.test(rater.said); octet += 1) {
      const replies = await ask({ path: site.path('rater.sock') }, [
        `ip 127.0.1.${octet}\n`.repeat(3),
      ]);
      expect(replies).toMatch(/^0 1\/2\r\n0 2\/2\r\n1 3\/2 \d+\r\n$/);
    }
    await ask({ path: site.path('rater.sock') }, ['ip 127.0.2.1\n'.repeat(3)]);
    expect(rater.said).toMatch(
      /^rater: error: trouble: part="writing the log" what="\S+log\/rater\.log: ENOSPC.*"\n$/,
    );
    expect(written()).not.toMatch(/127\.0\.2\.1/);
    const { exit, stdout } = await site.ipthrottle('status');
    expect({ exit, stdout }).toEqual({
      exit: 1,
      stdout: expect.stringMatching(/^trouble: writing/m),
    });
    expect((await site.ipthrottle('doctor')).stdout).toMatch(
      /problem: troubles: writing the log: /,
    );

    disk.empty();
    const end =
      /blocked: address=127\.0\.2\.1 [\s\S]*warn: recovered: part="writing the log" lost=0\n/;
    await until('what waited is written', () => end.test(written()));
    expect(await site.ipthrottle('status')).toMatchObject({ exit: 0 });
    expect(written().match(/recovered/g)).toHaveLength(1);
    for (const line of written().trimEnd().split('\n')) expect(line).toMatch(/^rater: \w+: /);
    expect(rater.said.match(/\n/g)).toHaveLength(1);
  });

  test('lines that find no room to wait are lost, and it says how many', async ({
    onTestFinished,
  }) => {
    const settings = 'log: "log/rater.log"; log_level: 4;';
    const { site, disk } = prepare(onTestFinished, { settings }, 'log', '2m');
    const written = () => readFileSync(site.path('log', 'rater.log'), 'latin1');
    const rater = site.spawnRater();
    await until('rater', async () => (await site.ipthrottle('status')).exit === 0);
    disk.fill();
    const hits = 30_000;
    await ask({ path: site.path('rater.sock') }, ['ip 127.0.1.1\n'.repeat(hits)]);
    expect(rater.said).toMatch(/^rater: error: trouble: part="writing the log"/);
    disk.empty();
    const end = /warn: recovered: part="writing the log" lost=(\d+)\n/;
    await until('what waited is written', () => end.test(written()));
    const lost = Number(end.exec(written())?.[1]);
    expect(lost).toBeGreaterThan(0);
    expect((written().match(/debug: hit: /g)?.length ?? 0) + lost).toBeGreaterThanOrEqual(hits);
  });

  test('on a read-only disk: rater does not start, and says why', async ({ onTestFinished }) => {
    const { site, disk } = prepare(onTestFinished, { settings: 'log: "log/rater.log";' }, 'log');
    disk.makeReadOnly();
    const rater = site.spawnRater();
    expect(await rater.ends()).toBe(111);
    expect(rater.said).toMatch(/^rater: error: cannot write the log: EROFS: .*log\/rater\.log'\n$/);
  });
});
