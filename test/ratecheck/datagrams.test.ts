/**
 * Guarantee: a request is sent once, as a datagram or on the stream socket, so it is counted once.
 * Against daemons that answer what the test wants; test/system/ratecheck-datagrams.test.ts has the real one.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdirSync, openSync, readSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { until } from '../system/running-program.ts';
import { datagramExchanges } from './datagram-exchanges.ts';
import { startDatagramRater } from './datagram-rater.ts';
import { builtRatecheck, newDirectory, run } from './programs.ts';
import { reply, startScriptedRater } from './scripted-rater.ts';

const directory = newDirectory();
let ratecheck = '';

beforeAll(() => {
  ratecheck = builtRatecheck();
});
afterAll(() => directory.remove());

describe('an exchange of datagrams', () => {
  test.each(datagramExchanges)('$title', async (exchange) => {
    const rater = await startDatagramRater(directory.path, onTestFinished, exchange.reply);
    const outcome = await run([ratecheck, '-s', rater.socket, ...exchange.args]);
    await until('the request', () => rater.requests().length > 0);
    const { status, stdout, stderr, asked } = exchange;
    const said = { ...outcome, stderr: outcome.stderr.replaceAll(rater.socket, 'SOCKET') };
    expect(said).toEqual({ status, signal: null, stdout, stderr });
    expect(rater.requests()).toEqual([asked]);
  });
});

test('each client has a name that nobody can guess', async () => {
  const rater = await startDatagramRater(directory.path, onTestFinished, 'name');
  const asked = Array.from({ length: 10 }, () => {
    return run([ratecheck, '-s', rater.socket, '-t', '60000', '-n', 'user', 'a']);
  });
  const names = (await Promise.all(asked)).map(({ stdout }) => stdout);
  expect(new Set(names).size).toBe(10);
  for (const name of names) expect(name).toMatch(/^0 [a-p]{16}\n$/);
  for (let at = 0; at < 16; at += 1) {
    expect(new Set(names.map((name) => name[2 + at])).size).toBeGreaterThan(1);
  }
});

describe('a request is sent once', () => {
  const patient = ['-t', '60000', '-v', 'x', 'echo', 'served'];

  test('as a datagram where rater takes them, and not on the stream', async () => {
    const stream = await startScriptedRater(directory.path, reply('1 2/1\r\n'));
    const rater = await startDatagramRater(
      directory.path,
      onTestFinished,
      '0 1/1\r\n',
      stream.socket,
    );
    const outcome = await run([ratecheck, '-s', stream.socket, ...patient]);
    await until('the request', () => rater.requests().length > 0);
    await stream.close();
    expect(outcome).toMatchObject({ status: 0, stdout: 'served\n', stderr: '' });
    expect([rater.requests(), stream.requests]).toEqual([['ip x'], []]);
  });

  test('as a datagram whose reply is lost, and not on the stream after it', async () => {
    const stream = await startScriptedRater(directory.path, reply('0 1/1\r\n'));
    // Rater knows of the client and counts it itself.
    const failedOpen = `${stream.socket}.failed-open`;
    execFileSync('mkfifo', [failedOpen]);
    const pipe = openSync(failedOpen, constants.O_RDWR | constants.O_NONBLOCK);
    onTestFinished(() => closeSync(pipe));
    const rater = await startDatagramRater(
      directory.path,
      onTestFinished,
      undefined,
      stream.socket,
    );
    const hasty = ['-t', '300', '-v', 'x', 'echo', 'served'];
    const outcome = await run([ratecheck, '-s', stream.socket, ...hasty]);
    await until('the request', () => rater.requests().length > 0);
    await stream.close();
    const stderr = `ratecheck: warning: no answer from ${stream.socket}: not within 300 ms, running echo unchecked\n`;
    expect(outcome).toMatchObject({ status: 0, stdout: 'served\n', stderr });
    expect([rater.requests(), stream.requests]).toEqual([['ip x'], []]);
    expect(() => readSync(pipe, Buffer.alloc(1))).toThrow(/EAGAIN/);
  });

  test('on the stream with -k, whose session is a connection', async () => {
    const stream = await startScriptedRater(directory.path, reply('0 1/1\r\n'));
    const rater = await startDatagramRater(
      directory.path,
      onTestFinished,
      '1 2/1\r\n',
      stream.socket,
    );
    const outcome = await run([ratecheck, '-s', stream.socket, '-k', ...patient]);
    await stream.close();
    expect(outcome).toMatchObject({ status: 0, stdout: 'served\n', stderr: '' });
    expect([rater.requests(), stream.requests]).toEqual([[], ['+ip x']]);
  });

  test.each([
    ['nothing', () => undefined],
    ['a file', (name: string) => writeFileSync(name, '')],
    ['a directory', (name: string) => mkdirSync(name)],
    [
      'a stream socket',
      (name: string) => {
        const server = createServer().listen(name);
        onTestFinished(() => void server.close());
      },
    ],
    [
      'the socket of a daemon that is gone',
      async (_: string, socket: string) => {
        const gone = await startDatagramRater(directory.path, onTestFinished, '1 2/1\r\n', socket);
        await gone.end();
      },
    ],
  ])('on the stream where there is %s for datagrams', async (_, put) => {
    const { name } = await startDatagramRater(directory.path, onTestFinished);
    const stream = await startScriptedRater(directory.path, reply('0 1/1\r\n'));
    await put(`${stream.socket}${name.slice(name.lastIndexOf('.'))}`, stream.socket);
    const outcome = await run([ratecheck, '-s', stream.socket, ...patient]);
    await stream.close();
    expect(outcome).toMatchObject({ status: 0, stdout: 'served\n', stderr: '' });
    expect(stream.requests).toEqual(['ip x']);
  });

  test('on the stream where the name for datagrams would be too long', async () => {
    const deep = join(directory.path, 'd'.repeat(98 - directory.path.length));
    mkdirSync(deep);
    const stream = await startScriptedRater(deep, reply('0 1/1\r\n'));
    expect(stream.socket.length).toBeGreaterThanOrEqual(106);
    const outcome = await run([ratecheck, '-s', stream.socket, ...patient]);
    await stream.close();
    expect(outcome).toMatchObject({ status: 0, stdout: 'served\n', stderr: '' });
    expect(stream.requests).toEqual(['ip x']);
  });
});
