/**
 * What one connection for checks may take: a place, a slice of time, memory, and by TCP a deadline.
 *
 * Tests: src/daemon/listeners/check-connection.ts, src/daemon/listeners/connection-limit.ts
 * Tests: src/daemon/listeners/connections.ts
 */
import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, onTestFinished, test } from 'vitest';
import {
  type CheckListenerParts,
  checkListener,
} from '../../../src/daemon/listeners/check-listener.ts';
import { ConnectionLimit } from '../../../src/daemon/listeners/connection-limit.ts';
import { Connections, waitsForReader } from '../../../src/daemon/listeners/connections.ts';
import { CheckMetrics } from '../../../src/health/check-metrics.ts';
import { type Clock, systemClock } from '../../../src/runtime/clock.ts';
import type { Line } from '../../../src/wire/line-splitter.ts';
import type { Reply } from '../../../src/wire/reply.ts';
import type { Request } from '../../../src/wire/request.ts';
import { gatekeeperSite } from '../../gatekeeper/site.ts';
import { temporaryDirectory } from '../../run/temporary-directory.ts';
import { connected } from '../../system/line-client.ts';

/** Enough for a reply, even when this process stands still for a while. */
const deadlineMs = 3000;

function site(clock: Clock = systemClock, text?: string) {
  return {
    gatekeeper: gatekeeperSite(text).gatekeeper,
    clock,
    metrics: new CheckMetrics(systemClock),
    connections: new Connections(),
    limit: new ConnectionLimit(10, () => {}),
  };
}

async function clientOf(server: Server): Promise<Socket> {
  const address = server.address() as string | AddressInfo;
  const where = typeof address === 'string' ? { path: address } : { port: address.port };
  const socket = await connected({ ...where, allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  return socket;
}

async function listening(
  deadlineMs: number,
  parts: CheckListenerParts & { connections: Connections } = site(),
) {
  const server = checkListener(parts, true, deadlineMs).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const open = () => {
    return new Promise<number>((resolve) => server.getConnections((_, many) => resolve(many)));
  };
  return { client: () => clientOf(server), open };
}

async function listeningOnUnixSocket(parts: CheckListenerParts = site()) {
  const server = checkListener(parts, false).listen(join(temporaryDirectory(), 's'));
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return server;
}

test('a connection by TCP that sends no request is closed in the end', async () => {
  const { client } = await listening(100);
  const silent = await client();
  silent.write('use');
  silent.resume();
  await once(silent, 'end');
});

test('a client by TCP that never closes its half does not stay for ever', async () => {
  const { client, open } = await listening(deadlineMs);
  const lingering = await client();
  lingering.write('user rosario\n');
  expect(String((await once(lingering, 'data'))[0])).toBe('0 1/3\r\n');
  lingering.resume();
  while ((await open()) > 0) await pause(5);
});

test('by TCP, bytes after the request take no memory', async () => {
  setFlagsFromString('--expose-gc');
  const gc: () => void = runInNewContext('gc');
  const { client } = await listening(60_000);
  const bytesHeld = () => {
    gc();
    return process.memoryUsage().arrayBuffers;
  };
  const packet = Buffer.from(`nothing\n${'x'.repeat(60_000)}`);
  const before = bytesHeld();
  for (let turn = 0; turn < 10; turn += 1) {
    const talkative = await client();
    talkative.write(packet);
    await once(talkative, 'data');
  }
  for (let turn = 0; turn < 100 && bytesHeld() - before > 200_000; turn += 1) await pause(10);
  expect(bytesHeld() - before).toBeLessThan(200_000);
});

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
  const server = await listeningOnUnixSocket(parts);
  const [greedy, modest] = [await clientOf(server), await clientOf(server)];
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
  const client = await clientOf(await listeningOnUnixSocket(parts));
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
  const server = await listeningOnUnixSocket(parts);
  const [client, [serverSide]] = await Promise.all([clientOf(server), once(server, 'connection')]);
  let sent = 0;
  while (parts.connections.list().open[0]?.waitsFor !== waitsForReader) {
    client.write('user a\n'.repeat(100));
    sent += 100;
    while (parts.metrics.measured().checks < sent) await new Promise(setImmediate);
  }
  client.end();
  await once(serverSide, 'end');
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
  const client = await clientOf(await listeningOnUnixSocket(parts));
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
  const hitShortly = (line: Line, atMs: number) => {
    if (line !== 'short') return undefined;
    nowMs += 2;
    instants.push(atMs);
    return { class: 'ip', status: 0, count: instants.length, limit: 5 } as const;
  };
  const clock = { wallMs: () => 0, monotonicMs: () => nowMs };
  const parts = { ...site(clock), gatekeeper: { hit, hitShortly, hasClass: () => true } };
  const client = await clientOf(await listeningOnUnixSocket(parts));
  client.end('short\nshort\nuser a\n');
  expect(await text(client)).toBe('0 1/5\r\n0 2/5\r\n0 99/-\r\n');
  const another = await clientOf(await listeningOnUnixSocket(parts));
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
  const hitShortly = (line: Line) => {
    asked.push(line);
    nowMs += 0.001;
    return { class: 'ip', status: 0, count: 1, limit: -1 } as const;
  };
  const hit = (): Reply => ({ status: 0, count: 1, limit: -1 });
  const clock = { wallMs: () => 0, monotonicMs: () => nowMs };
  const parts = { ...site(clock), gatekeeper: { hit, hitShortly, hasClass: () => true } };
  const server = await listeningOnUnixSocket(parts);
  const [greedy, modest] = [await clientOf(server), await clientOf(server)];
  const replies = text(greedy);
  greedy.end('greedy\n'.repeat(9000));
  modest.end('modest\n');
  expect(await text(modest)).toBe('0 1/-\r\n');
  expect(await replies).toBe('0 1/-\r\n'.repeat(9000));
  expect(asked.indexOf('modest')).toBeLessThan(8000);
});

test('by TCP, the first line is answered and no other, also by the short way', async () => {
  const hit = (): Reply => ({ status: 0, count: 99, limit: -1 });
  const hitShortly = () => ({ class: 'ip', status: 0, count: 1, limit: 5 }) as const;
  const parts = { ...site(), gatekeeper: { hit, hitShortly, hasClass: () => true } };
  const client = await (await listening(deadlineMs, parts)).client();
  client.write('ip a\nip b\n');
  expect(await text(client)).toBe('0 1/5\r\n');
  expect(parts.metrics.measured().checks).toBe(1);
});

test.each([
  ['on a Unix socket, each in its turn', false, '0 1/-\r\n0 2/-\r\n0 3/-\r\n'],
  ['by TCP, the first', true, '0 1/-\r\n'],
])('answers that take their time are given %s', async (_, isOneRequest, replies) => {
  let hits = 0;
  const hit = async (): Promise<Reply> => {
    hits += 1;
    const reply: Reply = { status: 0, count: hits, limit: -1 };
    await pause(10);
    return reply;
  };
  const parts = { ...site(), gatekeeper: { hit, hasClass: () => true } };
  const server = checkListener(parts, isOneRequest, deadlineMs).listen(
    join(temporaryDirectory(), 's'),
  );
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const client = await clientOf(server);
  client.end('user a\nuser a\nuser a\n');
  expect(await text(client)).toBe(replies);
  const many = replies.length / 7;
  expect(parts.metrics.measured()).toMatchObject({
    checks: many,
    classes: [{ name: 'user', within: many }],
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
  const client = await clientOf(await listeningOnUnixSocket(parts));
  client.write('user a\nuser late\nuser b\n');
  const [first] = await once(client, 'data');
  client.end('user c\n');
  expect(first + (await text(client))).toBe('0 1/-\r\n0 2/-\r\n0 3/-\r\n0 4/-\r\n');
});

test('a client whose answer fails is not kept waiting', async () => {
  const hit = () => Promise.reject(new Error('no answer'));
  const parts = { ...site(), gatekeeper: { hit, hasClass: () => true } };
  const client = await clientOf(await listeningOnUnixSocket(parts));
  client.write('user a\n');
  expect(await text(client)).toBe('');
});

test('a place is free again when its client is gone', async () => {
  const parts = site();
  const server = await listeningOnUnixSocket(parts);
  for (let turn = 0; turn < 30; turn += 1) {
    const client = await clientOf(server);
    client.write('user rosario\n');
    await once(client, 'data');
    client.destroy();
    while (parts.connections.list().open.length > 0) await new Promise(setImmediate);
  }
});

const withSessions =
  'limits : { user: ( ("*", 60, 9) ); }; classes : { user: { concurrent: 9; }; };';

test('a connection stands for one session, and by TCP for none', async () => {
  const parts = site(systemClock, withSessions);
  const client = await clientOf(await listeningOnUnixSocket(parts));
  const byTcp = await (await listening(deadlineMs, parts)).client();
  byTcp.write('+user a\n');
  expect(String((await once(byTcp, 'data'))[0])).toBe('0 1/9\r\n');
  expect(parts.gatekeeper.openSessions).toBe(0);
  client.write('+user a\n+user b\n');
  expect(String((await once(client, 'data'))[0])).toBe(
    '0 2/9\r\n2 This connection stands for a session already\r\n',
  );
  expect(parts.gatekeeper.openSessions).toBe(1);
  expect(parts.metrics.measured().classes).toMatchObject([
    { name: 'user', within: 2, errors: 0 },
    { name: '-', errors: 1 },
  ]);
});

test('a session whose client is gone without reading its reply is over', async () => {
  const parts = site(systemClock, withSessions);
  const client = await clientOf(await listeningOnUnixSocket(parts));
  client.pause().write('+user a\n');
  while (parts.gatekeeper.openSessions === 0) await new Promise(setImmediate);
  client.destroy();
  while (parts.connections.list().open.length > 0) await new Promise(setImmediate);
  expect(parts.gatekeeper.openSessions).toBe(0);
});
