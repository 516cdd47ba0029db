/**
 * The promises of a socket for checks by node:net, and what a connection by TCP may take: memory and
 * time.
 *
 * Tests: src/daemon/listeners/connection-limit.ts, src/daemon/listeners/connections.ts
 */
import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
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
import { Connections, listedServer } from '../../../src/daemon/listeners/connections.ts';
import { nodeListener } from '../../../src/daemon/listeners/unix-socket.ts';
import { CheckMetrics } from '../../../src/health/check-metrics.ts';
import { type Clock, systemClock } from '../../../src/runtime/clock.ts';
import type { Reply } from '../../../src/wire/reply.ts';
import { keepsCheckSocketPromises } from '../../contract/check-socket.ts';
import { gatekeeperSite } from '../../gatekeeper/site.ts';
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

keepsCheckSocketPromises('node:net', (parts) => {
  const server = checkListener(parts, false);
  return { listener: nodeListener(server, () => {}), listed: listedServer('check', server) };
});

async function clientOf(server: Server): Promise<Socket> {
  const { port } = server.address() as AddressInfo;
  const socket = await connected({ port, allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  return socket;
}

async function listening(deadlineMs: number, parts: CheckListenerParts = site()) {
  const server = checkListener(parts, true, deadlineMs).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const open = () => {
    return new Promise<number>((resolve) => server.getConnections((_, many) => resolve(many)));
  };
  return { client: () => clientOf(server), open };
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

test('by TCP, an answer that takes its time is given, the first', async () => {
  let hits = 0;
  const hit = async (): Promise<Reply> => {
    hits += 1;
    const reply: Reply = { status: 0, count: hits, limit: -1 };
    await pause(10);
    return reply;
  };
  const parts = { ...site(), gatekeeper: { hit, hasClass: () => true } };
  const client = await (await listening(deadlineMs, parts)).client();
  client.end('user a\nuser a\nuser a\n');
  expect(await text(client)).toBe('0 1/-\r\n');
  expect(parts.metrics.measured()).toMatchObject({
    checks: 1,
    classes: [{ name: 'user', within: 1 }],
  });
});

test('a connection by TCP stands for no session', async () => {
  const withSessions =
    'limits : { user: ( ("*", 60, 9) ); }; classes : { user: { concurrent: 9; }; };';
  const parts = site(systemClock, withSessions);
  const byTcp = await (await listening(deadlineMs, parts)).client();
  byTcp.write('+user a\n');
  expect(String((await once(byTcp, 'data'))[0])).toBe('0 1/9\r\n');
  expect(parts.gatekeeper.openSessions).toBe(0);
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
