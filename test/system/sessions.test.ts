/**
 * Guarantee: a session is counted from its reply until its connection is closed, whatever dies.
 * Tested with real servers, the real daemon, and sessions with a connection from ratecheck -k.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { connect as connectTo, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { builtRatecheck, run } from '../ratecheck/programs.ts';
import { type RunningServer, startServer } from '../ratecheck/real-server.ts';
import { temporaryDirectory } from '../run/temporary-directory.ts';
import { missing, unless } from '../run/unless.ts';
import type { ServerName } from './mail-server.ts';
import { startRater } from './real-rater.ts';
import { until } from './running-program.ts';

const twenty = `
  limits  : { ip: ( ("*", 60, 100000) ); };
  classes : { ip: { concurrent: 20; }; };`;

/** What a session runs: it greets with its pid, then serves until its client goes. */
const program = ['sh', '-c', 'echo 220 $$; exec cat'];

type Session = { readonly greeting: string; readonly socket: Socket; end(): Promise<void> };

/** Connects and waits for the first line, be it a greeting or a refusal. */
function open(port: number, localAddress = '127.0.0.1'): Promise<Session> {
  return new Promise((resolve, reject) => {
    const socket = connectTo({ host: '127.0.0.1', port, localAddress });
    const ended = new Promise<void>((done) => socket.on('close', () => done()));
    let text = '';
    const end = () => {
      socket.end();
      return ended;
    };
    socket.on('error', reject);
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
      if (text.includes('\n')) resolve({ greeting: text.trimEnd(), socket, end });
    });
    socket.on('close', () => reject(new Error(`closed after ${JSON.stringify(text)}`)));
  });
}

async function openMany(port: number, count: number, localAddress?: string): Promise<Session[]> {
  return Promise.all(Array.from({ length: count }, () => open(port, localAddress)));
}

function pidOf({ greeting }: Session): number {
  const [, pid] = /^220 (\d+)$/.exec(greeting) ?? [];
  if (pid === undefined) throw new Error(`no session: ${greeting}`);
  return Number(pid);
}

const refused = '421 4.7.0 Too many connections from 127.0.0.1, try again later';
const served = /^220 \d+$/;

async function chain(server: ServerName, socket: string, ...options: string[]) {
  const check = [builtRatecheck(), '-t', '60000', '-s', socket, ...options, ...program];
  const running = await startServer(server, check);
  onTestFinished(() => running.stop());
  return running;
}

/** Room for exactly `free` more: so many enter, and the next does not. */
async function expectRoom(running: RunningServer, free: number): Promise<Session[]> {
  const entered = await openMany(running.port, free);
  expect(entered.filter(({ greeting }) => !served.test(greeting))).toEqual([]);
  expect((await open(running.port)).greeting).toBe(refused);
  return entered;
}

/** Waits until one more may enter, and enters. */
async function enter(running: RunningServer): Promise<Session> {
  let session: Session | undefined;
  await until('a place', async () => {
    session = await open(running.port);
    return served.test(session.greeting);
  });
  return session as Session;
}

for (const server of ['tcpsvd', 'tcpserver'] as const) {
  describe(`under ${server}`, unless(missing(server)), () => {
    test('20 sessions are open, the 21st is refused, one ends, the next enters', async () => {
      const rater = await startRater(temporaryDirectory(), twenty);
      const running = await chain(server, rater.socket, '-k');
      const sessions = await expectRoom(running, 20);
      await sessions[7]?.end();
      await enter(running);
      expect((await open(running.port)).greeting).toBe(refused);
    });

    test('a session killed by SIGKILL leaves no phantom', async () => {
      const rater = await startRater(temporaryDirectory(), twenty);
      const running = await chain(server, rater.socket, '-k');
      const sessions = await expectRoom(running, 20);
      for (const session of sessions.slice(0, 5)) {
        // The program is gone; the client need not have noticed anything.
        session.socket.removeAllListeners('close');
        process.kill(pidOf(session), 'SIGKILL');
      }
      const next = await enter(running);
      await next.end();
      await until('all five places', async () => {
        const entered = await openMany(running.port, 5);
        const isFree = entered.every(({ greeting }) => served.test(greeting));
        if (!isFree) await Promise.all(entered.map((session) => session.end().catch(() => {})));
        return isFree;
      });
      expect((await open(running.port)).greeting).toBe(refused);
    });

    test('a daemon killed by SIGKILL starts with no session and counts new ones', async () => {
      const directory = temporaryDirectory();
      const rater = await startRater(directory, twenty);
      const running = await chain(server, rater.socket, '-k');
      const old = await expectRoom(running, 20);
      await Promise.all(old.slice(0, 15).map((session) => session.end()));
      await rater.kill();
      await startRater(directory, twenty);
      // Those five live on uncounted: their connection ended with the daemon.
      await expectRoom(running, 20);
      // Their end takes nothing from the new count.
      await Promise.all(old.slice(15).map((session) => session.end()));
      expect((await open(running.port)).greeting).toBe(refused);
    });

    test('without -k nothing is held', async () => {
      const rater = await startRater(temporaryDirectory(), twenty);
      const running = await chain(server, rater.socket);
      const sessions = await openMany(running.port, 22);
      expect(sessions.every(({ greeting }) => served.test(greeting))).toBe(true);
      // Those above are what this test itself was started with.
      const descriptors = readdirSync(`/proc/${pidOf(sessions[0] as Session)}/fd`);
      expect(descriptors.filter((fd) => Number(fd) > 2 && Number(fd) < 100)).toEqual([]);
    });
  });
}

describe('sessions of networks', () => {
  const networks = `
    limits  : { ip: ( ("*", 60, 100000) ); net: ( ("*", 60, 100000) ); };
    classes : { ip: { also: ("net"); concurrent: 2; };
                net: { prefix4: 24; concurrent: 3; }; };`;

  test(
    'a /24 shares its places, of which one address gets fewer',
    unless(missing('tcpserver')),
    async () => {
      const rater = await startRater(temporaryDirectory(), networks);
      const running = await chain('tcpserver', rater.socket, '-k');
      const from = async (address: string) => {
        const session = await open(running.port, address);
        return { session, isServed: served.test(session.greeting) };
      };
      const first = await from('127.0.0.2');
      expect(first.isServed).toBe(true);
      expect((await from('127.0.0.2')).isServed).toBe(true);
      // The address is full, its network is not.
      expect((await from('127.0.0.2')).isServed).toBe(false);
      expect((await from('127.0.0.3')).isServed).toBe(true);
      // The network is full, but this address has no session.
      expect((await from('127.0.0.4')).isServed).toBe(false);
      expect((await from('127.0.1.4')).isServed).toBe(true);
      await first.session.end();
      await until('a place', async () => (await from('127.0.0.4')).isServed);
      expect((await from('127.0.0.4')).isServed).toBe(false);
    },
  );
});

describe('what the program gets with -k', () => {
  const check = (socket: string) => {
    return [builtRatecheck(), '-t', '60000', '-k', '-s', socket, '-v', '192.0.2.1'];
  };
  const list = [
    'sh',
    '-c',
    'for fd in /proc/$$/fd/*; do echo "$(basename $fd) $(readlink $fd)"; done',
  ];

  /** The descriptors that a command hands to its program, beside those that all have here. */
  async function handedDown(command: readonly string[]): Promise<string[]> {
    const seen = async (words: readonly string[]) => {
      const { stdout } = await run([...words, ...list]);
      return stdout
        .replaceAll(/\[\d+\]/g, '')
        .trim()
        .split('\n')
        .sort();
    };
    const usual = await seen([]);
    return (await seen(command)).filter((line) => !usual.includes(line));
  }

  test('is one descriptor more, the lowest free from 10 on', async () => {
    const rater = await startRater(temporaryDirectory(), twenty);
    expect(await handedDown(check(rater.socket))).toEqual(['10 socket:']);
    const occupied = ['sh', '-c', 'exec 6</dev/null; exec "$@"', 'sh', 'bash', '-c'];
    const script = 'exec 10</dev/null; exec "$@"';
    expect(await handedDown([...occupied, script, 'bash', ...check(rater.socket)])).toEqual([
      '10 /dev/null',
      '11 socket:',
      '6 /dev/null',
    ]);
  });

  test('is nothing when the daemon is down, answers with an error or refuses', async () => {
    expect(await handedDown(check('/nonexistent'))).toEqual([]);
    const rater = await startRater(temporaryDirectory(), twenty.replace('20', '0'));
    expect(await handedDown([...check(rater.socket), '-c', 'none'])).toEqual([]);
    expect((await run([...check(rater.socket), ...list])).status).toBe(1);
  });

  test('is a connection closed already where the class counts no sessions', async () => {
    const rater = await startRater(temporaryDirectory(), 'limits : { ip: ( ("*", 60, 9) ); };');
    const sockets = () => {
      const { stdout } = spawnSync('ls', ['-l', `/proc/${rater.pid}/fd`], { encoding: 'utf8' });
      return stdout.match(/socket:/g)?.length;
    };
    const before = sockets();
    const [program = '', ...args] = [...check(rater.socket), 'sh', '-c', 'echo; exec cat'];
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill());
    await new Promise((resolve) => child.stdout.once('data', resolve));
    await until('as few sockets as before', () => sockets() === before);
    expect(child.exitCode).toBe(null);
  });
});
