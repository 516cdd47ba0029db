/** What one connection for checks may take: a place, and by TCP so much time. */
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { checkListener } from '../../src/daemon/check-listener.ts';
import { ConnectionRoom } from '../../src/daemon/connection-room.ts';
import { Connections } from '../../src/daemon/connections.ts';
import { Performance } from '../../src/daemon/performance.ts';
import { gatekeeperSite } from '../gatekeeper-site.ts';

async function listening(deadlineMs: number) {
  const { gatekeeper } = gatekeeperSite();
  const watchers = {
    performance: new Performance(systemClock),
    connections: new Connections(systemClock),
    room: new ConnectionRoom(10, () => {}),
  };
  const server = checkListener(gatekeeper, true, watchers, deadlineMs).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = async () => {
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    onTestFinished(() => void socket.destroy());
    await once(
      socket.on('error', () => {}),
      'connect',
    );
    return socket;
  };
  const open = () => {
    return new Promise<number>((resolve) => server.getConnections((_, many) => resolve(many)));
  };
  return { client, open };
}

test('a connection by TCP that sends no request is closed in the end', async () => {
  const { client } = await listening(100);
  const silent = await client();
  silent.write('use');
  silent.resume();
  await once(silent, 'end');
});

test('a client by TCP that never closes its half does not stay for ever', async () => {
  const { client, open } = await listening(100);
  const lingering = await client();
  lingering.write('user rosario\n');
  expect(String((await once(lingering, 'data'))[0])).toBe('0 1/3\r\n');
  lingering.resume();
  while ((await open()) > 0) await new Promise(setImmediate);
});
