import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { ask, connected, nextText } from './line-client.ts';
import { RunningProgram, until } from './running-program.ts';
import { secondsLeft } from './seconds-left.ts';
import { Site } from './site.ts';

let site: Site;
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await site.stop();
});

function say(text: string): Promise<string> {
  return ask({ path: site.path('rater.sock') }, [text]);
}

/** A connected client, until the test is over. */
async function client(): Promise<Socket> {
  const socket = await connected({ path: site.path('rater.sock'), allowHalfOpen: true });
  sockets.push(socket);
  return socket;
}

async function clients(many: number): Promise<Socket[]> {
  const all: Socket[] = [];
  while (all.length < many) {
    all.push(
      ...(await Promise.all(Array.from({ length: Math.min(200, many - all.length) }, client))),
    );
  }
  return all;
}

function program(name: string): string {
  return fileURLToPath(new URL(`../../bin/${name}`, import.meta.url));
}

function residentMib(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024;
}

describe('clients', () => {
  test('that send a byte now and then keep nobody waiting, and are answered when done', async () => {
    site = new Site();
    await site.startRater();
    const slow = await clients(300);
    const lines = slow.map((_, number) => `ip 10.1.${number >> 8}.${number & 255}\n`);
    for (let at = 0; at < 6; at += 1) {
      for (const [number, socket] of slow.entries()) socket.write(lines[number]?.[at] ?? '');
      expect(await say('ip 192.0.2.1\n')).toBe(`0 ${at + 1}/10\r\n`);
    }
    const replies = slow.map(nextText);
    for (const [number, socket] of slow.entries()) socket.write(lines[number]?.slice(6) ?? '');
    expect(new Set(await Promise.all(replies))).toEqual(new Set(['0 1/10\r\n']));
  });

  test('that never read cost only the memory of a piece of their input each', async () => {
    site = new Site();
    const rater = await site.startRater();
    await say('ip 192.0.2.1\n');
    const before = residentMib(rater.pid);
    for (const socket of await clients(20)) socket.pause().write('\n'.repeat(4_000_000));
    for (let turn = 2; turn <= 9; turn += 1) {
      expect(await say('ip 192.0.2.1\n')).toBe(`0 ${turn}/10\r\n`);
    }
    // All answers together would be two gigabytes.
    expect(residentMib(rater.pid) - before).toBeLessThan(250);
  });

  test('that close their half get every reply first', async () => {
    site = new Site({ limits: 'ip: (); user: ( ("*", 60, 1000) );' });
    await site.startRater();
    const wanted = Array.from({ length: 1000 }, (_, turn) => `0 ${turn + 1}/1000\r\n`);
    expect(await say('user half\n'.repeat(1000))).toBe(wanted.join(''));
    const mute = await client();
    mute.pause().end('user mute\n'.repeat(10_000));
    expect(await say('user other\n')).toBe('0 1/1000\r\n');
  });

  test('5000 silent connections make no difference', async () => {
    site = new Site({ settings: 'max_connections: 5100;' });
    const rater = await site.startRater();
    const limits = readFileSync(`/proc/${rater.pid}/limits`, 'latin1');
    const descriptors = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.NaN);
    // NaN: unlimited.
    const many = Math.min(5000, (descriptors || 10_000) - 200);
    const idle: Socket[] = [];
    while (idle.length < many) {
      idle.push(...(await clients(Math.min(200, many - idle.length))));
      // Answered when those before it are accepted: the system lets only so many wait.
      await say('no class\n');
    }
    expect(await say('ip 192.0.2.1\n')).toBe('0 1/10\r\n');
    const last = idle.at(-1) as Socket;
    const reply = nextText(last);
    last.write('ip 192.0.2.1\n');
    expect(await reply).toBe('0 2/10\r\n');
    expect(await site.ipthrottle('status')).toMatchObject({ exit: 0 });
  });
});

/** Blocks addresses one by one until rater is gone; returns those that it confirmed. */
async function blockUntilTheEnd(number: number): Promise<string[]> {
  const socket = await client();
  // It ends, or is reset if rater had not yet read the request.
  const isClosed = new Promise<string>((resolve) => {
    socket.once('end', () => resolve('')).once('close', () => resolve(''));
  });
  const blocked: string[] = [];
  for (let turn = 0; ; turn += 1) {
    const address = `10.${number}.${turn >> 8}.${turn & 255}`;
    for (const expected of [/^0 1\/1\r\n$/, new RegExp(`^1 2/1 ${secondsLeft(3600)}\r\n$`)]) {
      const reply = nextText(socket);
      socket.write(`ip ${address}\n`);
      const said = await Promise.race([reply, isClosed]);
      if (said === '') return blocked;
      expect(said).toMatch(expected);
    }
    blocked.push(address);
  }
}

test.each([1, 2, 3])('SIGTERM under load loses no committed block, round %i', async (round) => {
  site = new Site({ limits: 'ip: ( ("*", 60, 1) );', seconds: 3600, rules: ':allow\n' });
  const rater = await site.startRater();
  const flood = Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(blockUntilTheEnd));
  await until('some blocks', () => site.peers().length > 50 * round);
  await rater.killedBy('SIGTERM');
  expect(rater.exitCode).toBe(0);
  const told = (await flood).flat();
  expect(told.length).toBeGreaterThanOrEqual(50 * round - 8);
  const listed = (await site.list()).map(({ address }) => address);
  expect(told.filter((address) => !listed.includes(address))).toEqual([]);
  // While rater is down both servers have them too, and no others.
  expect(site.peers()).toEqual(listed.sort());
  expect(await site.isDeniedByCdb(told.at(-1) as string)).toBe(true);

  await site.startRater();
  const replies = await say(told.map((address) => `ip ${address}\n`).join(''));
  expect(replies.match(/^1 1\/1 \d+\r$/gm)).toHaveLength(told.length);
  expect(site.peers()).toEqual(listed);
});

test('when descriptors are short, clients are refused before blocks and the operator suffer', async () => {
  site = new Site({ limits: 'ip: ( ("*", 60, 1) );' });
  const limited = 'ulimit -n 192; exec "$@"';
  const rater = new RunningProgram({
    command: ['sh', '-c', limited, 'sh', process.execPath, program('rater'), '-c', 'rater.conf'],
    directory: site.directory,
  });
  try {
    await rater.says(/ready/);
    const first = await client();
    await clients(100);
    await rater.says(/connection refused/);
    for (const expected of ['0 1/1', `1 2/1 ${secondsLeft(120)}`]) {
      const reply = nextText(first);
      first.write('ip 192.0.2.1\n');
      expect(await reply).toMatch(new RegExp(`^${expected}\r\n$`));
    }
    expect(site.peers()).toEqual(['192.0.2.1']);
    expect(await site.ipthrottle('status')).toMatchObject({ exit: 0 });
    for (const socket of sockets.splice(0)) socket.destroy();
    let said = '';
    await until('a free place', async () => {
      said = await say('ip 192.0.2.2\n').catch(() => '');
      return said !== '';
    });
    expect(said).toBe('0 1/1\r\n');
    expect(rater.said.match(/connection refused: open=16/g)).toHaveLength(1);
    expect(rater.said).not.toMatch(/error/);
  } finally {
    await rater.end();
  }
});
