/**
 * The promises of a socket for checks, whatever its transport: what a client may take, in which order
 * it is answered, how long its session lasts, and that nobody waits for another.
 *
 * Tests: src/daemon/listeners/check-connection.ts, src/daemon/listeners/node-connection.ts
 */
import { once } from 'node:events';
import { lstatSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { CheckListenerParts } from '../../src/daemon/listeners/check-listener.ts';
import { ConnectionLimit } from '../../src/daemon/listeners/connection-limit.ts';
import {
  Connections,
  type Listed,
  waitsForReader,
} from '../../src/daemon/listeners/connections.ts';
import { listenOnUnixSocket, type UnixListener } from '../../src/daemon/listeners/unix-socket.ts';
import type { Holder } from '../../src/gatekeeper/sessions.ts';
import { CheckMetrics } from '../../src/health/check-metrics.ts';
import { type Clock, systemClock } from '../../src/runtime/clock.ts';
import { LineSplitter } from '../../src/wire/line-splitter.ts';
import type { Line, RawLine } from '../../src/wire/raw-line.ts';
import type { Reply } from '../../src/wire/reply.ts';
import { parseRequest, type Request } from '../../src/wire/request.ts';
import { gatekeeperSite } from '../gatekeeper/site.ts';
import { temporaryDirectory } from '../run/temporary-directory.ts';
import { connected } from '../system/line-client.ts';

export type CheckSocket = { readonly listener: UnixListener; readonly listed: Listed };

const maxClients = 10;

function site(clock: Clock = systemClock, text?: string) {
  return {
    gatekeeper: gatekeeperSite(text).gatekeeper,
    clock,
    metrics: new CheckMetrics(systemClock),
    connections: new Connections(),
    limit: new ConnectionLimit(maxClients, () => {}),
  };
}

/** Lets a server do what it can do now. */
async function turns(many: number): Promise<void> {
  for (let turn = 0; turn < many; turn += 1) await new Promise(setImmediate);
}

/** Resolves when `isSo`; the test's own timeout ends it. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(setImmediate);
}

const withSessions =
  'limits : { user: ( ("*", 60, 9) ); }; classes : { user: { concurrent: 9; }; };';

/** What requests say, and what replies: `user NAME` is answered by the length of the name. */
function echo() {
  const asked: string[] = [];
  const hit = ({ value }: Request, holder?: Holder): Reply => {
    asked.push(value);
    // A session that is not counted would end the connection.
    holder?.onEnd(() => {});
    return { status: 0, count: value.length, limit: -1 };
  };
  return { asked, handler: { hit, hasClass: () => true } };
}

export function keepsCheckSocketPromises(
  name: string,
  make: (parts: CheckListenerParts) => CheckSocket,
): void {
  async function listening(parts: CheckListenerParts, path = join(temporaryDirectory(), 's')) {
    const { listener, listed } = make(parts);
    await listenOnUnixSocket(listener, { path, mode: 0o600, group: undefined, backlog: 511 });
    parts.connections.addListener(listed);
    const close = () => listener.close();
    onTestFinished(close);
    const client = async (): Promise<Socket> => {
      const socket = await connected({ path, allowHalfOpen: true });
      onTestFinished(() => void socket.destroy());
      return socket;
    };
    return { client, close, path };
  }

  describe(`${name} keeps the promises of a socket for checks:`, () => {
    test('a client with thousands of requests in a packet takes turns with others', async () => {
      let nowMs = 0;
      const tick = () => {
        nowMs += 1;
        return nowMs;
      };
      const asked: string[] = [];
      const hit = ({ value }: Request): Reply => {
        asked.push(value);
        return { status: 0, count: 1, limit: -1 };
      };
      const parts = {
        ...site({ wallMs: tick, monotonicMs: tick }),
        gatekeeper: { hit, hasClass: () => true },
      };
      const { client: connect } = await listening(parts);
      const [greedy, modest] = [await connect(), await connect()];
      const replies = text(greedy);
      const requests = Array.from({ length: 2000 }, (_, index) => `user u${index}\n`).join('');
      greedy.end(requests);
      modest.end('user modest\n');
      expect(await text(modest)).toBe('0 1/-\r\n');
      expect(await replies).toBe('0 1/-\r\n'.repeat(2000));
      expect(asked.indexOf('modest')).toBeLessThan(asked.indexOf('u1999'));
    });

    test('a client that does not read its replies is not answered until it does', async () => {
      const parts = site();
      const client = await (await listening(parts)).client();
      const requests = 'user a\n'.repeat(300_000);
      client.end(requests);
      // Neither side can go on: the kernel's buffers between them are full.
      let [seen, rounds] = [-1, 0];
      while (rounds < 200) {
        const { checks } = parts.metrics.measured();
        rounds = checks === seen ? rounds + 1 : 0;
        seen = checks;
        await new Promise(setImmediate);
      }
      expect(seen).toBeGreaterThan(0);
      expect(seen).toBeLessThan(100_000);
      let replies = 0;
      client.on('data', (bytes: Buffer) => {
        for (const byte of bytes) if (byte === 10) replies += 1;
      });
      await once(client, 'end');
      expect(replies).toBe(300_000);
    });

    test('a client that has closed its half still gets replies that it had not read', async () => {
      const parts = site({ wallMs: () => 0, monotonicMs: () => 0 });
      const { client: connect } = await listening(parts);
      const client = await connect();
      let sent = 0;
      while (parts.connections.list().open[0]?.waitsFor !== waitsForReader) {
        client.write('user a\n'.repeat(100));
        sent += 100;
        while (parts.metrics.measured().checks < sent) await new Promise(setImmediate);
      }
      client.end();
      await turns(100);
      expect((await text(client)).match(/\n/g)).toHaveLength(sent);
    });

    test('each answer is measured from the one before it', async () => {
      let nowMs = 0;
      const hit = (): Reply => {
        nowMs += 1;
        return { status: 0, count: 1, limit: -1 };
      };
      const clock = { wallMs: () => 0, monotonicMs: () => nowMs };
      const parts = { ...site(clock), gatekeeper: { hit, hasClass: () => false } };
      const client = await (await listening(parts)).client();
      client.end('user a\nuser a\nuser a\n');
      expect(await text(client)).toBe('0 1/-\r\n'.repeat(3));
      expect(parts.metrics.measured()).toMatchObject({
        classes: [{ name: '-', within: 3 }],
        latencies: [{ belowUs: 1024, checks: 3 }],
      });
    });

    test('lines that have a short way are answered in their order, each at its instant, and measured together', async () => {
      let nowMs = 10;
      const instants: number[] = [];
      const hit = (): Reply => {
        nowMs += 8;
        return { status: 0, count: 99, limit: -1 };
      };
      const hitShortly = (line: RawLine, atMs: number) => {
        if (line.text !== 'short') return undefined;
        nowMs += 2;
        instants.push(atMs);
        return { class: 'ip', status: 0, count: instants.length, limit: 5 } as const;
      };
      const clock = { wallMs: () => 0, monotonicMs: () => nowMs };
      const parts = { ...site(clock), gatekeeper: { hit, hitShortly, hasClass: () => true } };
      const { client: connect } = await listening(parts);
      const client = await connect();
      client.end('short\nshort\nuser a\n');
      expect(await text(client)).toBe('0 1/5\r\n0 2/5\r\n0 99/-\r\n');
      const another = await connect();
      another.end('user a\nshort\nx\n');
      expect(await text(another)).toBe('0 99/-\r\n0 3/5\r\n2 Bad input (no space)\r\n');
      const start = 10 + 2 + 2 + 8;
      expect(instants).toEqual([10, 10, start + 8]);
      expect(parts.metrics.measured()).toMatchObject({
        checks: 6,
        classes: [
          { name: 'ip', within: 3 },
          { name: 'user', within: 2 },
          { name: '-', errors: 1 },
        ],
        latencies: [
          { belowUs: 1, checks: 1 },
          { belowUs: 2048, checks: 3 },
          { belowUs: 8192, checks: 2 },
        ],
      });
    });

    test('a client with thousands of lines that have a short way takes turns as well', async () => {
      let nowMs = 0;
      const asked: Line[] = [];
      const hitShortly = (line: RawLine) => {
        asked.push(line.text);
        nowMs += 0.001;
        return { class: 'ip', status: 0, count: 1, limit: -1 } as const;
      };
      const hit = (): Reply => ({ status: 0, count: 1, limit: -1 });
      const clock = { wallMs: () => 0, monotonicMs: () => nowMs };
      const parts = { ...site(clock), gatekeeper: { hit, hitShortly, hasClass: () => true } };
      const { client: connect } = await listening(parts);
      const [greedy, modest] = [await connect(), await connect()];
      const replies = text(greedy);
      greedy.end('greedy\n'.repeat(9000));
      modest.end('modest\n');
      expect(await text(modest)).toBe('0 1/-\r\n');
      expect(await replies).toBe('0 1/-\r\n'.repeat(9000));
      expect(asked.indexOf('modest')).toBeLessThan(8000);
    });

    test('replies for which a turn has no room come in the next ones, in order', async () => {
      const hit = ({ value }: Request): Reply => {
        return { status: 2, message: `${value} ${'\u20ac'.repeat(290)}` };
      };
      const parts = { ...site(), gatekeeper: { hit, hasClass: () => true } };
      const client = await (await listening(parts)).client();
      const asked = Array.from({ length: 500 }, (_, index) => `u${index}`);
      client.end(asked.map((value) => `user ${value}\n`).join(''));
      expect((await text(client)).match(/u\d+/g)).toEqual(asked);
    });

    test('answers that take their time are given, each in its turn', async () => {
      let hits = 0;
      const hit = async (): Promise<Reply> => {
        hits += 1;
        const reply: Reply = { status: 0, count: hits, limit: -1 };
        await pause(10);
        return reply;
      };
      const parts = { ...site(), gatekeeper: { hit, hasClass: () => true } };
      const client = await (await listening(parts)).client();
      client.end('user a\nuser a\nuser a\n');
      expect(await text(client)).toBe('0 1/-\r\n0 2/-\r\n0 3/-\r\n');
      expect(parts.metrics.measured()).toMatchObject({
        checks: 3,
        classes: [{ name: 'user', within: 3 }],
      });
      expect(parts.metrics.measured().latencies.every(({ belowUs }) => belowUs > 4096)).toBe(true);
    });

    test('a slow answer keeps its place, whatever is asked meanwhile', async () => {
      let hits = 0;
      const hit = ({ value }: Request) => {
        hits += 1;
        const reply: Reply = { status: 0, count: hits, limit: -1 };
        return value === 'late' ? pause(20, reply) : reply;
      };
      const parts = { ...site(), gatekeeper: { hit, hasClass: () => true } };
      const client = await (await listening(parts)).client();
      client.write('user a\nuser late\nuser b\n');
      const [first] = await once(client, 'data');
      client.end('user c\n');
      expect(first + (await text(client))).toBe('0 1/-\r\n0 2/-\r\n0 3/-\r\n0 4/-\r\n');
    });

    test('a client whose answer fails is not kept waiting', async () => {
      const hit = () => Promise.reject(new Error('no answer'));
      const parts = { ...site(), gatekeeper: { hit, hasClass: () => true } };
      const client = await (await listening(parts)).client();
      client.write('user a\n');
      expect(await text(client)).toBe('');
    });

    test('a place is free again when its client is gone', async () => {
      const parts = site();
      const { client: connect } = await listening(parts);
      for (let turn = 0; turn < 30; turn += 1) {
        const client = await connect();
        client.write('user rosario\n');
        await once(client, 'data');
        client.destroy();
        while (parts.connections.list().open.length > 0) await new Promise(setImmediate);
      }
    });

    test('a connection stands for one session', async () => {
      const parts = site(systemClock, withSessions);
      const client = await (await listening(parts)).client();
      client.write('+user a\n+user b\n');
      expect(String((await once(client, 'data'))[0])).toBe(
        '0 1/9\r\n2 This connection stands for a session already\r\n',
      );
      expect(parts.gatekeeper.openSessions).toBe(1);
      expect(parts.metrics.measured().classes).toMatchObject([
        { name: 'user', within: 1, errors: 0 },
        { name: '-', errors: 1 },
      ]);
    });

    test('a session whose client is gone without reading its reply is over', async () => {
      const parts = site(systemClock, withSessions);
      const client = await (await listening(parts)).client();
      client.pause().write('+user a\n');
      while (parts.gatekeeper.openSessions === 0) await new Promise(setImmediate);
      client.destroy();
      while (parts.connections.list().open.length > 0) await new Promise(setImmediate);
      expect(parts.gatekeeper.openSessions).toBe(0);
    });

    test('lines are the same however their bytes arrive', async () => {
      const piece = fc.oneof(
        fc.constantFrom('user ', 'a', '\n', '\r\n', '\r', '\nuser b\n', '+'),
        fc.constantFrom('x'.repeat(994), 'x'.repeat(995), 'x'.repeat(996), 'x'.repeat(20_000)),
        fc.constantFrom('gr\u00fcn', '\u{1f600}'),
      );
      const bytes = fc.oneof(
        piece.map((part) => Buffer.from(part)),
        fc.uint8Array({ maxLength: 3 }).map((part) => Buffer.from(part)),
      );
      const sent = fc.array(bytes, { minLength: 1, maxLength: 30 });
      await fc.assert(
        fc.asyncProperty(sent, async (parts) => {
          const { asked, handler } = echo();
          const { client: connect, close } = await listening({ ...site(), gatekeeper: handler });
          const client = await connect();
          for (const part of parts) {
            client.write(part);
            await new Promise(setImmediate);
          }
          client.end();
          const replies = await text(client);
          close();
          const splitter = new LineSplitter();
          const lines = splitter.push(Buffer.concat(parts));
          const requests = lines.map(parseRequest).filter((request) => typeof request !== 'string');
          const first = requests.findIndex(({ isSession }) => isSession);
          // A connection stands for one session, so that the next ones are answered and not asked.
          const expected = requests.filter(({ isSession }, at) => !isSession || at === first);
          expect(asked).toEqual(expected.map(({ value }) => value));
          const many = lines.length + (splitter.unfinished ? 1 : 0);
          expect(replies.match(/\n/g)?.length ?? 0).toBe(many);
        }),
        { numRuns: 60 },
      );
    });

    test('one client more than may be connected is closed at once, and asks nothing', async () => {
      const { asked, handler } = echo();
      const parts = { ...site(), gatekeeper: handler };
      const { client } = await listening(parts);
      for (let open = 0; open < maxClients; open += 1) await client();
      await until(() => parts.connections.list().open.length === maxClients);
      const refused = await client();
      refused.write('user a\n');
      expect(await text(refused).catch(() => '')).toBe('');
      expect(asked).toEqual([]);
      expect(parts.connections.list().open).toHaveLength(maxClients);
    });

    test('it is told what clients wait for', async () => {
      const parts = site(systemClock, withSessions);
      const { client, path } = await listening(parts);
      const told = () =>
        parts.connections.list().open.map(({ kind, waitsFor }) => [kind, waitsFor]);
      await client();
      await until(() => told().length === 1);
      expect(told()).toEqual([['check', 'a request']]);
      (await client()).write('user');
      await until(() => told()[1]?.[1] === 'the rest of a request');
      (await client()).write('+user a\n');
      await until(() => told()[2]?.[1] === 'the end of its session');
      expect(parts.connections.list().listeners).toEqual([{ kind: 'check', where: path }]);
      for (const { sinceMs } of parts.connections.list().open) {
        expect(sinceMs).toBeGreaterThan(systemClock.monotonicMs() - 60_000);
        expect(sinceMs).toBeLessThanOrEqual(systemClock.monotonicMs());
      }
    });

    test.each([
      ['leaves', (client: Socket) => void client.destroy()],
      ['closes its half', (client: Socket) => void client.end()],
    ])('a session ends when its client %s, also while an answer is due', async (_, leave) => {
      const { gatekeeper, ...rest } = site(systemClock, withSessions);
      let answer: (() => void) | undefined;
      const handler = {
        hasClass: () => true,
        hit: (request: Request, holder?: Parameters<typeof gatekeeper.hit>[1]) => {
          const reply = gatekeeper.hit(request, holder);
          if (request.value !== 'late') return reply;
          return new Promise<Reply>((resolve) => {
            answer = () => resolve(reply);
          });
        },
      };
      const parts = { ...rest, gatekeeper: handler };
      const client = await (await listening(parts)).client();
      client.write('+user a\n');
      await once(client, 'data');
      expect(gatekeeper.openSessions).toBe(1);
      client.write('user late\n');
      await until(() => answer !== undefined);
      leave(client);
      if (name === 'node:net') answer?.();
      await until(() => gatekeeper.openSessions === 0);
      answer?.();
      await until(() => parts.connections.list().open.length === 0);
    });

    test('a refused session ends the connection, after everything asked is answered', async () => {
      const limits = 'limits : { user: ( ("*", 60, 9) ); };';
      for (const isLate of [false, true]) {
        const { gatekeeper, ...rest } = site(systemClock, limits);
        const hit = ({ value, ...request }: Request): Reply | Promise<Reply> => {
          const reply = gatekeeper.hit({ ...request, value });
          return isLate ? pause(5).then(() => reply) : reply;
        };
        const parts = { ...rest, gatekeeper: { hit, hasClass: () => true } };
        const client = await (await listening(parts)).client();
        client.write('+user a\nuser a\nuser a\n');
        expect(await text(client)).toBe('0 1/9\r\n0 2/9\r\n0 3/9\r\n');
      }
    });

    test('a reply for which its client did not wait is told', async () => {
      let late = 0;
      let answer: (() => void) | undefined;
      const hit = () => {
        return new Promise<Reply>((resolve) => {
          answer = () => resolve({ status: 0, count: 1, limit: -1 });
        });
      };
      const parts = {
        ...site(),
        gatekeeper: { hit, hasClass: () => true },
        onLateReply: () => {
          late += 1;
        },
      };
      const client = await (await listening(parts)).client();
      client.write('user a\n');
      await until(() => answer !== undefined);
      client.destroy();
      await once(client, 'close');
      answer?.();
      await until(() => late > 0);
      await until(() => parts.connections.list().open.length === 0);
      expect(late).toBe(1);
    });

    test('when it listens no more, its clients are served until they leave', async () => {
      const parts = site(systemClock, withSessions);
      const { client: connect, close, path } = await listening(parts);
      const client = await connect();
      client.write('+user a\n');
      await once(client, 'data');
      close();
      expect(() => lstatSync(path)).toThrow('ENOENT');
      await expect(connect()).rejects.toThrow('ENOENT');
      client.write('user a\n');
      expect(String((await once(client, 'data'))[0])).toBe('0 2/9\r\n');
      expect(parts.connections.list()).toMatchObject({ listeners: [], open: [{ kind: 'check' }] });
      client.end();
      expect(await text(client)).toBe('');
      await until(() => parts.connections.list().open.length === 0);
      expect(parts.gatekeeper.openSessions).toBe(0);
    });

    test('a name that is taken is an error, and stays', async () => {
      const { path } = await listening(site());
      await expect(make(site()).listener.listen(path, 1)).rejects.toThrow('EADDRINUSE');
      expect(lstatSync(path).isSocket()).toBe(true);
    });
  });
}
