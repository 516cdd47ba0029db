/**
 * rater's two listeners for checks: the Unix socket answers every line until the client closes, TCP
 * answers one and closes. Nothing that a client sends harms another client.
 *
 * Tests: src/daemon/listeners/listen-on-tcp.ts, src/daemon/listeners/listeners.ts
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadNativeTransport } from '../../src/daemon/listeners/native-transport.ts';
import { freePort } from '../run/free-port.ts';
import { unless } from '../run/unless.ts';
import { ask } from './line-client.ts';
import type { RunningProgram } from './running-program.ts';
import { Site } from './site.ts';

const limits = 'ip: ( ("*", 60, 20) ); user: ( ("*", 60, 20) );';
const native = loadNativeTransport();
const noNative = 'trouble' in native ? `no native transport: ${native.trouble}` : undefined;
const mebibyte = 1 << 20;

let site: Site;
let rater: RunningProgram;
let port: number;

beforeAll(async () => {
  port = await freePort();
  site = new Site({ limits, settings: `port: ${port};` });
  rater = await site.startRater();
});

afterAll(async () => {
  expect(rater.isRunning).toBe(true);
  await site.stop();
});

describe('the Unix socket', () => {
  const say = (...pieces: (string | Uint8Array)[]) => {
    return ask({ path: site.path('rater.sock') }, pieces);
  };

  test('is served by the transport that is wanted', unless(noNative), async () => {
    const { transport } = JSON.parse((await site.ipthrottle('status', '--json')).stdout);
    expect(transport).toBe(process.env.IPTHROTTLE_TRANSPORT === 'node' ? 'node:net' : 'native');
  });

  test('answers every line of many in one packet, in order', async () => {
    const lines = Array.from({ length: 20 }, (_, n) => `ip 10.0.0.1\nuser pipelined-${n}\n`);
    const replies = Array.from({ length: 20 }, (_, n) => `0 ${n + 1}/20\r\n0 1/20\r\n`);
    expect(await say(lines.join(''))).toBe(replies.join(''));
  });

  test('takes a request in single bytes, and CRLF as LF', async () => {
    const text = 'user split\r\nuser split\nuser grün\r\n';
    expect(await say(...Array.from(Buffer.from(text), (byte) => Uint8Array.of(byte)))).toBe(
      '0 1/20\r\n0 2/20\r\n0 1/20\r\n',
    );
  });

  test('takes a request cut at any byte', async () => {
    const text = 'user cut\r\nuser cut\n';
    for (let at = 1; at < text.length; at++) {
      await say(text.slice(0, at), text.slice(at));
    }
    expect(await say('user cut\n')).toBe(`1 ${2 * (text.length - 1) + 1}/20\r\n`);
  });

  test.for([
    { sent: 'a line of 1000 bytes', line: `user ${'x'.repeat(995)}`, reply: '0 1/20' },
    { sent: 'a line of 1001 bytes', line: `user ${'x'.repeat(996)}`, reply: '2 Line is too long' },
    { sent: 'a line of 1 MB', line: `user ${'x'.repeat(mebibyte)}`, reply: '2 Line is too long' },
    { sent: 'nothing but an end', line: '', reply: '2 Bad input (no space)' },
    { sent: 'no space', line: 'user', reply: '2 Bad input (no space)' },
    { sent: 'no value', line: 'user ', reply: '2 Bad input (no value)' },
    { sent: 'no class', line: ' rosario', reply: '2 Bad input (no class)' },
    { sent: 'an unknown class', line: 'host a', reply: '2 Class not found: host' },
    { sent: 'no address', line: 'ip 1.2.3', reply: '2 Not an address: 1.2.3' },
    { sent: 'a path', line: 'ip ../../etc', reply: '2 Not an address: ../../etc' },
    { sent: 'NUL in an address', line: 'ip 1.2.3.4\0', reply: '2 Not an address: ' },
    { sent: 'NUL in a name', line: 'user a\0b', reply: '0 1/20' },
    { sent: 'spaces in a value', line: 'user a  b ', reply: '0 1/20' },
    { sent: 'an escape sequence', line: 'ip \u001b[2J', reply: '2 Not an address: "\\u001b[2J"' },
  ])('answers $sent, and the line after it', async ({ line, reply }) => {
    const [first, second, ...others] = (await say(`${line}\nuser after\n`)).split('\r\n');
    expect(first?.startsWith(reply), first).toBe(true);
    expect(second).toMatch(/^[01] \d+\/20$/);
    expect(others).toEqual(['']);
  });

  test('answers text that is not UTF-8 with an error', async () => {
    const bytes = Buffer.concat([Buffer.from('user '), Buffer.of(0xff, 0xc3, 0x28, 0x0a)]);
    expect(await say(bytes)).toBe('2 Bad input (not UTF-8)\r\n');
  });

  test('answers a client that has closed its half before the line ended', async () => {
    expect(await say('user unfinished')).toMatch(/^2 /);
    expect(await say()).toBe('');
  });

  test('two spellings of one address share a count', async () => {
    expect(await say('ip ::ffff:10.7.7.7\nip 10.7.7.7\n')).toBe('0 1/20\r\n0 2/20\r\n');
  });

  test('a client that never reads its replies keeps nobody waiting', async () => {
    const deaf: Socket = connect(site.path('rater.sock')).pause();
    deaf.on('error', () => undefined);
    deaf.write('user deaf\n'.repeat(300_000));
    for (let n = 1; n <= 5; n++) expect(await say('user other\n')).toBe(`0 ${n}/20\r\n`);
    deaf.destroy();
  });

  test('ratecheck -n asks, prints the reply and leaves with its first digit', () => {
    const ratecheck = new URL('../../bin/ratecheck', import.meta.url).pathname;
    const args = ['-s', site.path('rater.sock'), '-n', 'user', 'asked'];
    expect(execFileSync(ratecheck, args, { encoding: 'utf8' })).toMatch(/^0 1\/20\r?\n$/);
  });
});

describe('TCP', () => {
  const say = (...pieces: string[]) => {
    return ask({ host: '127.0.0.1', port }, pieces, { endFirst: false });
  };

  test('answers one request and closes', async () => {
    expect(await say('ip 10.0.0.2\n')).toBe('0 1/20\r\n');
    expect(await say('ip 10.0.0.2\r\nip 10.0.0.2\nip 10.0.0.2\n')).toBe('0 2/20\r\n');
    expect(await say('ip', ' 10.0.0.2', '\n')).toBe('0 3/20\r\n');
    expect(await say('nonsense\n')).toBe('2 Bad input (no space)\r\n');
  });

  test('counts separately from the Unix socket, but together with tcp_trusted', async () => {
    const atSocket = (where: Site) => ask({ path: where.path('rater.sock') }, ['user both\n']);
    expect(await say('user both\n')).toBe('0 1/20\r\n');
    expect(await atSocket(site)).toBe('0 1/20\r\n');
    const trustedPort = await freePort();
    const trusting = new Site({ limits, settings: `port: ${trustedPort}; tcp_trusted: true;` });
    try {
      await trusting.startRater();
      const where = { host: '127.0.0.1', port: trustedPort };
      expect(await ask(where, ['user both\n'], { endFirst: false })).toBe('0 1/20\r\n');
      expect(await atSocket(trusting)).toBe('0 2/20\r\n');
    } finally {
      await trusting.stop();
    }
  });

  test('is there only when port is set', async () => {
    const without = new Site({ limits });
    try {
      const { pid } = await without.startRater();
      expect(listenersOf(pid)).toEqual([]);
      expect(listenersOf(rater.pid)).toEqual([port]);
    } finally {
      await without.stop();
    }
  });
});

/** A descriptor may be closed meanwhile. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** The TCP ports on which a process listens, from /proc. */
function listenersOf(pid: number): number[] {
  const sockets = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    return /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
  });
  return ['tcp', 'tcp6'].flatMap((table) => {
    const rows = readFileSync(`/proc/${pid}/net/${table}`, 'latin1').trim().split('\n').slice(1);
    return rows.flatMap((row) => {
      const [, local = '', , state, , , , , , inode = ''] = row.trim().split(/\s+/);
      const isListening = state === '0A' && sockets.includes(inode);
      return isListening ? [Number.parseInt(local.split(':')[1] ?? '', 16)] : [];
    });
  });
}
