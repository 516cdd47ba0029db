/**
 * ratecheck asks the real rater by datagram, and on the stream socket where none can be sent: nobody is
 * let in unasked, counted twice or answered by somebody else for it.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
} from 'vitest';
import { builtRatecheck, compiledFixture, newDirectory, run } from '../ratecheck/programs.ts';
import { temporaryDirectory } from '../run/temporary-directory.ts';
import { unless } from '../run/unless.ts';
import { cannotBecomeNobody, nobody, programsForNobody } from './nobody.ts';
import { RunningProgram, until } from './running-program.ts';
import { Site } from './site.ts';

const patient = ['-t', '60000'];
const directory = newDirectory();
let ratecheck = '';
let datagrams = '';
let site: Site;
let rater: RunningProgram;

beforeAll(() => {
  ratecheck = builtRatecheck();
  datagrams = compiledFixture('datagrams', directory.path);
});
afterAll(() => directory.remove());
beforeEach(() => start());
afterEach(() => site.stop());

async function start(blocking = ''): Promise<void> {
  const limits = 'ip: ( ("*", 60, 3) ); user: ( ("*", 60, 50) );';
  site = new Site({ limits, blocking });
  rater = await site.startRater();
}

const addon = new URL('../../dist/transport.node', import.meta.url);
/** Why rater takes no datagrams here. */
const noDatagrams = existsSync(addon) ? undefined : 'not built: dist/transport.node';

const isStream = /^rater\.sock$/;
const isDatagram = /^rater\.sock\.\d+$/;

/** The path of rater's socket as a client sees it who finds nothing else of rater's. */
function only(wanted: RegExp): string {
  const seen = temporaryDirectory();
  for (const name of readdirSync(site.directory).filter((name) => wanted.test(name))) {
    symlinkSync(site.path(name), join(seen, name));
  }
  return join(seen, 'rater.sock');
}

const both = () => site.path('rater.sock');
const serve = (socket: string, ...args: string[]) => {
  return run([ratecheck, '-s', socket, ...patient, ...args, 'echo', 'served']);
};
const ask = (socket: string, ...request: [string, string]) => {
  return run([ratecheck, '-s', socket, ...patient, '-n', ...request]);
};
const served = { status: 0, signal: null, stdout: 'served\n', stderr: '' };

/** The columns of /proc/net/unix: flags, type and state, inode, and the name, if any. */
function unixSockets() {
  const rows = readFileSync('/proc/net/unix', 'latin1').trim().split('\n').slice(1);
  return rows.map((row) => {
    const [, , , flags = '', type = '', , inode = '', name = ''] = row.trim().split(/\s+/);
    return { flags, type, inode, name };
  });
}

/** What its descriptors lead to; nothing while one is being closed. */
function descriptorsOf(pid: number): string[] {
  const directory = `/proc/${pid}/fd`;
  try {
    return readdirSync(directory).map((fd) => readlinkSync(join(directory, fd)));
  } catch {
    return [];
  }
}

/** The name of the socket of a ratecheck which waits for its reply. */
async function nameOf(client: RunningProgram): Promise<string> {
  const found = () => {
    const links = descriptorsOf(client.pid);
    const own = unixSockets().find(({ inode, name }) => {
      return name.startsWith('@') && links.includes(`socket:[${inode}]`);
    });
    return own?.name.slice(1);
  };
  await until('the name of a datagram socket', () => found() !== undefined);
  return found() ?? '';
}

/** A ratecheck that has sent its datagram to rater, which is stopped, and waits for the reply. */
async function waiting(...args: string[]): Promise<RunningProgram> {
  rater.signal('SIGSTOP');
  const client = new RunningProgram({ command: [ratecheck, ...args], directory: '/' });
  onTestFinished(() => client.end());
  await nameOf(client);
  // It sleeps nowhere else once it has a name.
  const sleeps = () => / S /.test(readFileSync(`/proc/${client.pid}/stat`, 'latin1'));
  await until('a request that is sent', sleeps);
  return client;
}

describe('by datagram', unless(noDatagrams), () => {
  describe.each(['silent', 'polite'])('where servers refuse in mode %s', (mode) => {
    test('clients are let in and refused by datagrams alone', async () => {
      await site.stop();
      await start(`mode: "${mode}";`);
      const socket = only(isDatagram);
      for (let turn = 0; turn < 3; turn += 1) {
        expect(await serve(socket, '-v', '192.0.2.1')).toEqual(served);
      }
      for (let turn = 0; turn < 2; turn += 1) {
        const refused = await serve(socket, '-v', '192.0.2.1');
        expect(refused).toMatchObject({ status: 1, stderr: '' });
        expect(refused.stdout).toMatch(
          /^421 4\.7\.0 Too many connections from 192\.0\.2\.1, try again in \d+ seconds\r\n$/,
        );
      }
      expect((await site.list()).map(({ address }) => address)).toEqual(['192.0.2.1']);
    });
  });

  test('a limit without a block is told, and so is an error', async () => {
    const socket = only(isDatagram);
    for (let turn = 1; turn <= 50; turn += 1) await ask(socket, 'user', 'rosario');
    expect(await serve(socket, '-c', 'user', '-v', 'rosario')).toMatchObject({
      status: 1,
      stdout: '421 4.7.0 Too many connections from rosario, try again later\r\n',
      stderr: '',
    });
    expect(await ask(socket, 'host', 'x')).toMatchObject({
      status: 2,
      stdout: '2 Class not found: host\n',
    });
  });

  test('datagrams and the stream have one count', async () => {
    for (const [turn, seen] of [only(isDatagram), only(isStream), both()].entries()) {
      expect((await ask(seen, 'ip', '192.0.2.1')).stdout).toBe(`0 ${turn + 1}/3\n`);
    }
  });

  test('a stopped rater lets clients in or not at the deadline, and counts them once', async () => {
    const socket = only(isDatagram);
    rater.signal('SIGSTOP');
    const hasty = [ratecheck, '-s', socket, '-t', '200', '-v', '192.0.2.1'];
    const problem = `ratecheck: warning: no answer from ${socket}: not within 200 ms`;
    expect(await run([...hasty, 'echo', 'served'])).toEqual({
      ...served,
      stderr: `${problem}, running echo unchecked\n`,
    });
    expect(await run([...hasty, '-F', 'echo', 'served'])).toEqual({
      status: 111,
      signal: null,
      stdout: '421 4.3.2 Service temporarily unavailable, try again later\r\n',
      stderr: `${problem}, refusing the client\n`,
    });
    rater.signal('SIGCONT');
    expect((await ask(socket, 'ip', '192.0.2.1')).stdout).toBe('0 3/3\n');
  });

  test('a rater that is killed before it replies lets the client in at the deadline', async () => {
    const args = ['-s', both(), '-t', '3000', '-v', '192.0.2.1', 'echo', 'served'];
    const client = await waiting(...args);
    await rater.killedBy('SIGKILL');
    expect(await client.ends()).toBe(0);
    const problem = `no answer from ${both()}: not within 3000 ms, running echo unchecked`;
    expect(client.said).toBe(`ratecheck: warning: ${problem}\nserved\n`);
    expect(await serve(both(), '-v', '192.0.2.1')).toEqual({
      ...served,
      stderr: `ratecheck: warning: cannot connect to ${both()}: Connection refused, running echo unchecked\n`,
    });
  });

  test('a reply by somebody else is refused by the kernel', async () => {
    const client = await waiting('-s', both(), ...patient, '-n', 'ip', '192.0.2.1');
    const forged = await run([datagrams, 'send', await nameOf(client), '1 99/3 99\r\n']);
    expect(forged.stdout).toBe('not sent: Operation not permitted\n');
    rater.signal('SIGCONT');
    expect(await client.ends()).toBe(0);
    expect(client.said).toBe('0 1/3\n');
  });
});

describe('by the stream', () => {
  test('a session by -k takes the stream', async () => {
    expect(await serve(both(), '-kv', '192.0.2.1')).toEqual(served);
    const socket = only(isDatagram);
    const stderr = `ratecheck: warning: cannot connect to ${socket}: No such file or directory, running echo unchecked\n`;
    expect(await serve(socket, '-kv', '192.0.2.1')).toEqual({ ...served, stderr });
  });

  test('an old rater, which takes no datagrams, is asked by the stream', async () => {
    const socket = only(isStream);
    expect(await serve(socket, '-v', '192.0.2.1')).toEqual(served);
    expect((await ask(socket, 'ip', '192.0.2.1')).stdout).toBe('0 2/3\n');
  });

  test('where the queue of datagrams is full, the rest goes by the stream, each counted once', async () => {
    rater.signal('SIGSTOP');
    const asked = Array.from({ length: 40 }, () => ask(both(), 'user', 'rosario'));
    const connections = () => {
      return unixSockets().filter(({ name, flags }) => name === both() && flags === '00000000');
    };
    await until('connections', () => connections().length > 0);
    rater.signal('SIGCONT');
    const outcomes = await Promise.all(asked);
    expect(outcomes.filter(({ stderr }) => stderr !== '')).toEqual([]);
    const counts = outcomes.map(({ stdout }) => Number(/^0 (\d+)\/50\n$/.exec(stdout)?.[1]));
    expect(counts.toSorted((a, b) => a - b)).toEqual(Array.from(counts, (_, n) => n + 1));
  });

  const cannotUnshare =
    spawnSync('unshare', ['-n', 'true']).status === 0 ? undefined : 'unshare -n is not permitted';

  describe('from another network namespace', unless(cannotUnshare), () => {
    const apart = (socket: string, ...args: string[]) => {
      return run(['unshare', '-n', ratecheck, '-s', socket, ...patient, ...args]);
    };

    test('a client is counted by the stream, and not let in unasked', async () => {
      for (let turn = 1; turn <= 3; turn += 1) {
        expect(await apart(both(), '-v', '192.0.2.1', 'echo', 'served')).toEqual(served);
      }
      expect(await apart(both(), '-v', '192.0.2.1', 'echo', 'served')).toMatchObject({ status: 1 });
      expect((await ask(both(), 'ip', '192.0.2.1')).stdout).toMatch(/^1 /);
    });

    test('no datagram is tried', unless(noDatagrams), async () => {
      const socket = only(isDatagram);
      const stderr = `ratecheck: fatal: cannot connect to ${socket}: No such file or directory\n`;
      expect(await apart(socket, '-n', 'ip', '192.0.2.1')).toMatchObject({ status: 111, stderr });
      expect((await ask(socket, 'ip', '192.0.2.1')).stdout).toBe('0 1/3\n');
    });
  });

  test('a user who may not send datagrams asks by the stream', unless(cannotBecomeNobody), () => {
    chmodSync(both(), 0o777);
    for (const name of readdirSync(site.directory).filter((name) => isDatagram.test(name))) {
      chmodSync(site.path(name), 0o700);
    }
    const args = ['-s', both(), ...patient, '-v', '192.0.2.1', 'echo', 'served'];
    const user = { uid: nobody, gid: nobody, encoding: 'utf8' } as const;
    const { status, stdout, stderr } = spawnSync(join(programsForNobody, 'ratecheck'), args, user);
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'served\n', stderr: '' });
  });
});
