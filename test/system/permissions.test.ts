/**
 * Which users may do what with our files, and that nothing needs root or a certain umask.
 *
 * Tests: src/cli/become-owner.ts, src/daemon/listeners/unix-socket.ts
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { loadNativeTransport } from '../../src/daemon/listeners/native-transport.ts';
import { listenOnUnixSocket, nodeListener } from '../../src/daemon/listeners/unix-socket.ts';
import { findInCdb } from '../../src/enforcers/cdb/cdb.ts';
import { temporaryDirectory } from '../run/temporary-directory.ts';
import { missing, unless } from '../run/unless.ts';
import { burst, fates, greeted } from './connections.ts';
import { copyPrograms } from './copy-programs.ts';
import { startMailServer } from './mail-server.ts';
import { cannotBecomeNobody, nobody, programsForNobody } from './nobody.ts';
import { type RunningProgram, until } from './running-program.ts';
import { Site } from './site.ts';

let site: Site;

afterEach(() => site.stop());

/** What the site has before rater starts. */
const native = loadNativeTransport();
const cookie = 'trouble' in native ? '' : native.cookie();
/** Where there is one. */
const ofDatagrams = cookie === '' ? {} : { [`rater.sock.${cookie}`]: '0660' };
const adminsFiles = ['rater.conf', 'rules', 'peers'];

function modeOf(...names: string[]): string {
  return modeBits(site.path(...names));
}

function modeBits(path: string): string {
  return (statSync(path).mode & 0o7777).toString(8).padStart(4, '0');
}

describe.each(['000', '022', '077'])('started with umask %s', (umask) => {
  const settings = 'log: "rater.log"; log_level: 4;';

  /** Waits for all files that a rater with a log file makes. */
  async function startLogging(): Promise<RunningProgram> {
    const rater = site.spawnRater(umask);
    await until('the socket', () => existsSync(site.path('rater.sock')));
    await until('rater', async () => (await site.ipthrottle('status')).exit === 0);
    return rater;
  }

  test('every file has its intended mode', async () => {
    site = new Site({ rules: ':allow\n', settings, blocking: 'peers_cdb: "peers.cdb";' });
    await startLogging();
    await site.ipthrottle('block', '192.0.2.1');
    await until('the block is in the cdb', () => site.isDeniedByCdb('192.0.2.1'));
    await until('the block is in the other cdb', () => {
      return (
        findInCdb(readFileSync(site.path('peers.cdb')), Buffer.from('192.0.2.1')) !== undefined
      );
    });
    const names = () => readdirSync(site.directory);
    await until('nothing is half made', () => !names().some((name) => name.startsWith('..')));
    const made = names().filter((name) => !adminsFiles.includes(name));
    expect(Object.fromEntries(made.map((name) => [name, modeOf(name)]))).toEqual({
      'blocks.db': '0600',
      'blocks.db-shm': '0600',
      'blocks.db-wal': '0600',
      'blocks.db.life': '0600',
      'blocks.db.lock': '0600',
      'control.sock': '0600',
      'peers.cdb': '0644',
      'rater.log': '0600',
      'rater.sock': '0660',
      ...ofDatagrams,
      'rater.sock.failed-open': '0622',
      'rater.sock.lock': '0600',
      'rules.cdb': '0644',
    });
    expect(modeOf('peers', '192.0.2.1')).toBe('0200');
  });

  test('polite blocks can be read by every server, and written by nobody', async () => {
    site = new Site({ settings, blocking: 'mode: "polite";' });
    await startLogging();
    await site.ipthrottle('block', '192.0.2.1');
    expect(modeOf('peers', '192.0.2.1')).toBe('0555');
  });

  test('a log that was moved away, or is moved, is closed to others again', async () => {
    site = new Site({ settings });
    await startLogging();
    renameSync(site.path('rater.log'), site.path('old.log'));
    expect(await site.ipthrottle('log', 'reopen')).toMatchObject({ exit: 0 });
    expect(modeOf('rater.log')).toBe('0600');
    expect(await site.ipthrottle('log', 'file', site.path('new.log'))).toMatchObject({ exit: 0 });
    expect(modeOf('new.log')).toBe('0600');
  });

  test('ipthrottle without rater opens no file to others either', async () => {
    site = new Site({ rules: ':allow\n', settings });
    const rater = await startLogging();
    await site.ipthrottle('block', '192.0.2.1');
    await rater.killedBy('SIGKILL');
    const command = ['ipthrottle', '-c', 'rater.conf', 'block', '192.0.2.2'];
    const bin = new URL('../../bin/', import.meta.url).pathname;
    const { status } = spawnSync('sh', ['-c', `umask ${umask}; exec "$@"`, 'sh', ...command], {
      cwd: site.directory,
      env: { PATH: `${bin}:${process.env.PATH}` },
    });
    expect(status).toBe(0);
    for (const name of readdirSync(site.directory).filter((file) => /db/.test(file))) {
      expect(modeOf(name), name).toBe(name === 'rules.cdb' ? '0644' : '0600');
    }
    expect(modeOf('peers', '192.0.2.2')).toBe('0200');
  });
});

test('socket_mode and socket_group are followed', async () => {
  const groups = process.getgroups?.() ?? [];
  const group = process.getuid?.() === 0 ? 65534 : groups[0];
  site = new Site({ settings: `socket_mode: "0666"; socket_group: ${group};` });
  await site.startRater('077');
  expect(modeOf('rater.sock')).toBe('0666');
  expect(statSync(site.path('rater.sock')).gid).toBe(group);
  expect(modeOf('control.sock')).toBe('0600');
});

test('a socket is closed to everybody until it has its mode', async () => {
  site = new Site();
  const server = createServer().on('listening', () => modes.push(modeOf('narrow.sock')));
  const modes: string[] = [];
  onTestFinished(() => void server.close());
  const path = site.path('narrow.sock');
  await listenOnUnixSocket(
    nodeListener(server, () => {}),
    { path, mode: 0o600, group: undefined, backlog: 1 },
  );
  expect([...modes, modeOf('narrow.sock')]).toEqual(['0000', '0600']);
});

describe('as user nobody', () => {
  const reason = cannotBecomeNobody ?? missing('tcpsvd', 'tcpserver');

  /** Every file below the site's directory that nobody does not own, but for the admin's. */
  function notOwned(): string[] {
    const names = readdirSync(site.directory, { recursive: true }).map(String);
    return names.filter((name) => {
      return !['rater.conf', 'rules'].includes(name) && statSync(site.path(name)).uid !== nobody;
    });
  }

  test.for(['tcpsvd', 'tcpserver'])(
    'rater and %s do everything they should',
    unless(reason),
    async (name) => {
      site = new Site({ rules: ':allow\n', seconds: 10 }, nobody);
      await site.startRater();
      const { port } = await (name === 'tcpsvd' ? site.startTcpsvd() : site.startTcpserver());
      expect(greeted(await burst(port, '127.0.1.1', 40))).toBe(10);
      expect(site.peers()).toEqual(['127.0.1.1']);
      await until('it is let in', async () => greeted(await burst(port, '127.0.1.1', 1)) === 1);
      expect(notOwned()).toEqual([]);
    },
  );

  test(
    'files that root makes while rater is down belong to the user of rater',
    unless(reason),
    async () => {
      site = new Site({ rules: ':allow\n' }, nobody);
      const rater = await site.startRater();
      const { port } = await site.startTcpsvd();
      await rater.killedBy('SIGKILL');
      expect(await site.ipthrottle('block', '127.0.1.1', '--for', '1h')).toMatchObject({ exit: 0 });
      expect(await site.ipthrottle('block', '127.0.1.2')).toMatchObject({ exit: 0 });
      expect(await site.ipthrottle('unblock', '127.0.1.2')).toMatchObject({ exit: 0 });
      expect(fates(await burst(port, '127.0.1.1', 3))).toMatchObject({ dropped: 3 });
      expect(await site.isDeniedByCdb('127.0.1.1')).toBe(true);
      expect(notOwned()).toEqual([]);
      await site.startRater();
      expect(await site.ipthrottle('unblock', '127.0.1.1')).toMatchObject({ exit: 0 });
      expect(site.peers()).toEqual([]);
      expect(fates(await burst(port, '127.0.1.1', 3))).toMatchObject({ greeted: 3 });
    },
  );

  test('a client that ratecheck may not ask about is counted', unless(reason), async () => {
    site = new Site({});
    await site.startRater();
    const check = [join(programsForNobody, 'ratecheck'), '-s', site.path('rater.sock')];
    const { port, server } = await startMailServer('tcpsvd', {
      options: ['-i', site.path('peers')],
      command: [...check, 'echo', '220 ready'],
      directory: '/',
      user: nobody,
    });
    expect(greeted(await burst(port, '127.0.1.1', 20))).toBe(20);
    await server.end();
    await until('all are counted', async () => {
      const { stdout } = await site.ipthrottle('status');
      return /^degraded: failed open \(fails open\): 20 times, .*; now, since /m.test(stdout);
    });
    const { degraded } = JSON.parse((await site.ipthrottle('status', '--json')).stdout);
    expect(degraded['failed open']).toMatchObject({ count: 20, effect: 'fails open' });
    const { exit, stdout } = await site.ipthrottle('doctor');
    expect(exit).toBe(1);
    expect(stdout).toMatch(/^problem: troubles: ratecheck could not ask rater, .*\(20 times/m);
    expect(stdout).toMatch(/^problem: sockets: .*nobody but root and the user of rater may ask/m);
  });

  test(
    'root can work while rater is down where the programs are closed to the user of rater',
    unless(reason),
    async () => {
      site = new Site({ rules: ':allow\n' }, nobody);
      await (await site.startRater()).killedBy('SIGKILL');
      const installation = temporaryDirectory();
      copyPrograms(installation);
      expect(modeBits(installation)).toBe('0700');
      for (const args of [['block', '192.0.2.1'], ['list'], ['unblock', '192.0.2.1'], ['reap']]) {
        const words = [
          join(installation, 'bin/ipthrottle'),
          '-c',
          site.path('rater.conf'),
          ...args,
        ];
        const { status, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      }
      expect(notOwned()).toEqual([]);
    },
  );

  test('a user who may not is told so, and nothing changes', unless(reason), async () => {
    site = new Site({});
    await site.startRater();
    const args = [
      join(programsForNobody, 'ipthrottle'),
      '-c',
      site.path('rater.conf'),
      'block',
      '192.0.2.1',
    ];
    spawnSync('chmod', ['0755', site.directory]);
    const { status, stderr } = spawnSync(process.execPath, args, {
      uid: nobody,
      gid: nobody,
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({
      status: 100,
      stderr: expect.stringMatching(/^ipthrottle: error: not permitted: .*control\.sock/),
    });
    expect(site.peers()).toEqual([]);
  });
});
