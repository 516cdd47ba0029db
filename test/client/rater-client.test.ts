import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { RaterClient, type RaterClientOptions } from '../../src/client/rater-client.ts';
import {
  reply,
  replySlowly,
  type Script,
  silence,
  startScriptedRater,
} from '../ratecheck/scripted-rater.ts';
import { freePort } from '../run/free-port.ts';
import { temporaryDirectory } from '../run/temporary-directory.ts';
import { startRater } from '../system/real-rater.ts';
import { until } from '../system/running-program.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const patient = { timeoutMs: 60_000 };
const generousMs = 20_000;
const limits = `limits : { user: ( ("*", 600, 20000) ); few: ( ("*", 600, 2) ); ip: ( ("*", 600, 1) ); };
  blocking : { classes: ("ip"); time: 120; };`;

function client(options: RaterClientOptions): RaterClient {
  const made = new RaterClient(options);
  onTestFinished(() => made.close());
  return made;
}

/** A daemon that follows a script, and how many connections it had, in all and at once. */
async function scripted(script: Script) {
  const seen = { connections: 0, open: 0, maxOpen: 0 };
  const known = new WeakSet<object>();
  const rater = await startScriptedRater(temporaryDirectory(), (connection, request) => {
    if (!known.has(connection)) {
      known.add(connection);
      seen.connections += 1;
      seen.open += 1;
      seen.maxOpen = Math.max(seen.maxOpen, seen.open);
      connection.on('close', () => {
        seen.open -= 1;
      });
    }
    script(connection, request);
  });
  onTestFinished(() => rater.close());
  return { ...rater, seen };
}

describe('with a rater', () => {
  test('a check says whether the limit holds, and for how long a block lasts', async () => {
    const rater = await startRater(temporaryDirectory(), limits);
    const asked = client({ socket: rater.socket, ...patient });
    expect(await asked.check('few', 'a b')).toEqual({ isWithin: true, count: 1, limit: 2 });
    expect(await asked.check('few', 'a b')).toEqual({ isWithin: true, count: 2, limit: 2 });
    expect(await asked.check('few', 'a b')).toEqual({ isWithin: false, count: 3, limit: 2 });
    await asked.check('ip', '192.0.2.1');
    const blocked = await asked.check('ip', '192.0.2.1');
    expect(blocked).toMatchObject({ isWithin: false, count: 2, limit: 1 });
    expect(blocked.secondsLeft).toBeGreaterThan(100);
  });

  test('10000 checks at once are answered in order over one connection', async () => {
    const rater = await startRater(temporaryDirectory(), limits);
    const asked = client({ socket: rater.socket, ...patient });
    const checks = Array.from({ length: 10_000 }, () => asked.check('user', 'rosario'));
    const counts = (await Promise.all(checks)).map(({ count }) => count);
    expect(counts).toEqual(Array.from({ length: 10_000 }, (_, index) => index + 1));
  });

  test('what the daemon refuses to judge is unchecked, and the next check is not', async () => {
    const rater = await startRater(temporaryDirectory(), limits);
    const asked = client({ socket: rater.socket, ...patient });
    const [bad, good] = await Promise.all([asked.check('nix', 'x'), asked.check('user', 'x')]);
    expect(bad).toMatchObject({ isWithin: true, isUnchecked: true });
    expect(bad?.problem).toContain('Class not found');
    expect(good).toEqual({ isWithin: true, count: 1, limit: 20_000 });
  });

  test('a daemon that is killed and started again is found again', async () => {
    const directory = temporaryDirectory();
    const first = await startRater(directory, limits);
    const asked = client({ socket: first.socket, ...patient });
    const results = await Promise.all([asked.check('user', 'a'), asked.check('user', 'a')]);
    expect(results.map(({ count }) => count)).toEqual([1, 2]);
    const underWay = Array.from({ length: 1000 }, () => asked.check('user', 'b'));
    await first.kill();
    // Each was answered before the end, or not at all; nothing was thrown.
    const counts = (await Promise.all(underWay)).filter(({ isUnchecked }) => !isUnchecked);
    expect(counts.map(({ count }) => count)).toEqual(counts.map((_, index) => index + 1));
    const without = await asked.check('user', 'a');
    expect(without).toMatchObject({ isWithin: true, count: 0, limit: -1, isUnchecked: true });
    await startRater(directory, limits);
    await until('an answer', async () => !(await asked.check('user', 'c')).isUnchecked);
    const { count, isUnchecked } = await asked.check('user', 'a');
    expect({ count, isUnchecked }).toEqual({ count: 1, isUnchecked: undefined });
  });

  test('an idle client needs no failed check to notice that the daemon was replaced', async () => {
    const directory = temporaryDirectory();
    const first = await startRater(directory, limits);
    const asked = client({ socket: first.socket, ...patient });
    await asked.check('user', 'a');
    await first.kill();
    await startRater(directory, limits);
    expect(await asked.check('user', 'a')).toEqual({ isWithin: true, count: 1, limit: 20_000 });
  });

  test('by TCP each check has its own connection, one after the other', async () => {
    const port = await freePort();
    await startRater(temporaryDirectory(), limits, `port: ${port};`);
    const asked = client({ port, ...patient });
    const results = await Promise.all(Array.from({ length: 50 }, () => asked.check('user', 'a')));
    expect(results.map(({ count }) => count)).toEqual(results.map((_, index) => index + 1));
    expect(await asked.check('user', 'b')).toEqual({ isWithin: true, count: 1, limit: 20_000 });
  });
});

describe('Guarantee: a check always ends, at its deadline at the latest', () => {
  test.each([
    ['open', true],
    ['closed', false],
    [undefined, true],
  ] as const)('a silent daemon; onFailure %s', async (onFailure, isWithin) => {
    const { socket, seen } = await scripted(silence);
    const options = { socket, timeoutMs: 1000 };
    const asked = client(onFailure ? { ...options, onFailure } : options);
    const start = performance.now();
    const results = await Promise.all(Array.from({ length: 1000 }, () => asked.check('a', 'b')));
    expect(performance.now() - start).toBeLessThan(generousMs);
    const problem = `rater at ${socket}: no answer within 1000 ms`;
    const expected = { isWithin, count: 0, limit: -1, isUnchecked: true, problem };
    expect(results).toEqual(results.map(() => expected));
    expect(await asked.check('a', 'b')).toMatchObject({ isUnchecked: true });
    expect(seen.maxOpen).toBe(1);
  });

  test('a daemon that never listens, is gone, or is not a socket', async () => {
    for (const socket of ['/nonexistent', '/dev/null', temporaryDirectory()]) {
      const result = await client({ socket, onFailure: 'closed' }).check('a', 'b');
      expect(result).toMatchObject({ isWithin: false, isUnchecked: true });
      expect(result.problem).toContain(`rater at ${socket}: connect `);
    }
  });

  test('a host that accepts and never reads, by TCP', async () => {
    const server = createServer({ pauseOnConnect: true }, (socket) => {
      onTestFinished(() => void socket.destroy());
    });
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const asked = client({ host: '127.0.0.1', port, timeoutMs: 100 });
    const results = await Promise.all([1, 2, 3].map(() => asked.check('a', 'b')));
    expect(results.map(({ isUnchecked }) => isUnchecked)).toEqual([true, true, true]);
  });

  test('steady checks of a silent daemon do not pile up on one connection', async () => {
    const { socket, seen } = await scripted(silence);
    const asked = client({ socket, timeoutMs: 50 });
    const checks: Promise<unknown>[] = [];
    await until('a new connection', async () => {
      checks.push(asked.check('a', 'b'));
      await pause(10);
      return seen.connections > 1;
    });
    await Promise.all(checks);
    expect(seen.maxOpen).toBe(1);
  });
});

describe('replies', () => {
  test.each([
    ['garbage', 'HTTP/1.1 400 Bad Request\r\n'],
    ['an empty line', '\r\n'],
    ['a status out of range', '3 1/2\r\n'],
    ['half a reply', '0 x/2\r\n'],
    ['an endless line', 'x'.repeat(5000)],
    ['an endless line that ends', `${'x'.repeat(5000)}\n`],
    ['control bytes', '\x1b[2J\0\r\n'],
  ])('%s is unchecked', async (_, text) => {
    const { socket } = await scripted((connection) => connection.end(text));
    const result = await client({ socket, ...patient }).check('a', 'b');
    expect(result).toMatchObject({ isWithin: true, count: 0, isUnchecked: true });
    expect(result.problem).toMatch(/^rater at [\x20-\x7e]+$/);
  });

  test('may come a byte at a time', async () => {
    const { socket } = await scripted(replySlowly('1 12/10 118\r\n'));
    const result = await client({ socket, ...patient }).check('a', 'b');
    expect(result).toEqual({ isWithin: false, count: 12, limit: 10, secondsLeft: 118 });
  });

  test('without a limit say -1', async () => {
    const { socket } = await scripted(reply('0 3/-\r\n'));
    const result = await client({ socket, ...patient }).check('a', 'b');
    expect(result).toEqual({ isWithin: true, count: 3, limit: -1 });
  });

  test('that come too late are not taken for those of later checks', async () => {
    const held: (() => void)[] = [];
    const { socket, seen } = await scripted((connection, request) => {
      held.push(() => connection.write(`0 ${request.slice(2)}/9\r\n`));
    });
    const asked = client({ socket, timeoutMs: 8000 });
    const first = asked.check('a', '1');
    await pause(4000);
    const second = asked.check('a', '2');
    expect(await first).toMatchObject({ isUnchecked: true });
    for (const answer of held) answer();
    expect(await second).toEqual({ isWithin: true, count: 2, limit: 9 });
    expect(seen.connections).toBe(1);
  });

  test('to no request cost the connection, not the next check', async () => {
    const { socket, requests } = await scripted((connection) => {
      connection.write(requests.length === 1 ? '0 1/9\r\n0 7/9\r\n' : '0 2/9\r\n');
    });
    const asked = client({ socket, ...patient });
    expect(await asked.check('a', 'b')).toMatchObject({ count: 1 });
    expect(await asked.check('a', 'b')).toMatchObject({ count: 2 });
  });

  test('no request is sent twice', async () => {
    const { socket, requests } = await scripted((connection) => connection.destroy());
    const asked = client({ socket, ...patient });
    const results = await Promise.all(['1', '2', '3'].map((value) => asked.check('a', value)));
    expect(results.every(({ isUnchecked }) => isUnchecked)).toBe(true);
    expect(new Set(requests).size).toBe(requests.length);
  });
});

describe('misuse is a TypeError', () => {
  test.each([
    [{ socket: '/a', port: 1 }, 'either socket or host and port'],
    [{ host: 'x' }, 'host needs port'],
    [{ socket: '' }, 'socket must be a path'],
    [{ port: 0 }, 'port must be'],
    [{ port: 1.5 }, 'port must be'],
    [{ timeoutMs: 0 }, 'timeoutMs must be'],
    [{ timeoutMs: Number.NaN }, 'timeoutMs must be'],
    [{ timeoutMs: 600_001 }, 'timeoutMs must be'],
    [{ onFailure: 'maybe' as 'open' }, 'onFailure must be'],
  ])('%j', (options, words) => {
    expect(() => new RaterClient(options)).toThrow(TypeError);
    expect(() => new RaterClient(options)).toThrow(words);
  });

  test.each([
    ['ip', 'a\nip b'],
    ['ip', 'a\r'],
    ['ip', 'a\0'],
    ['ip', ''],
    ['', 'a'],
    ['a b', 'c'],
    ['+ip', 'a'],
    ['ip', 'x'.repeat(998)],
    ['ip', 'é'.repeat(499)],
  ])('class %j and value %j', async (name, value) => {
    const asked = client({ socket: '/nonexistent' });
    await expect(asked.check(name, value)).rejects.toThrow(TypeError);
  });

  test('a check after close, while those before it end unchecked', async () => {
    const { socket } = await scripted(silence);
    const asked = client({ socket, ...patient });
    const before = asked.check('a', 'b');
    await pause(50);
    asked.close();
    asked.close();
    expect(await before).toMatchObject({ isUnchecked: true });
    await expect(asked.check('a', 'b')).rejects.toThrow('check after close');
  });
});

describe('the package', () => {
  const run = (type: string, code: string) => {
    return spawnSync(process.execPath, [`--input-type=${type}`, '-e', code], {
      cwd: root,
      encoding: 'utf8',
      timeout: 30_000,
    });
  };
  const use = `const rater = new RaterClient({ socket: process.env.SOCKET });
    rater.check('user', 'b').then(({ isUnchecked }) => console.log(isUnchecked));`;

  test.each([
    ['module', `import { RaterClient } from 'ipthrottle'; ${use}`],
    ['commonjs', `const { RaterClient } = require('ipthrottle'); ${use}`],
  ])('exports it to a %s, which ends by itself', async (type, code) => {
    const { status, stdout, stderr } = run(type, code);
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'true\n', stderr: '' });
  });

  test('an idle connection does not keep the process alive', async () => {
    const rater = await startRater(temporaryDirectory(), limits);
    const code = `import { RaterClient } from 'ipthrottle'; ${use}`;
    const { status, stdout } = run(
      'module',
      code.replace('process.env.SOCKET', `'${rater.socket}', timeoutMs: 60_000`),
    );
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'undefined\n' });
  });
});
