import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { datagramSocket, removeDeadNames } from '../../../src/daemon/listeners/datagram-socket.ts';
import { NativeServer } from '../../../src/daemon/listeners/native-server.ts';
import {
  loadNativeTransport,
  type NativeTransport,
} from '../../../src/daemon/listeners/native-transport.ts';
import { temporaryDirectory } from '../../run/temporary-directory.ts';
import { unless } from '../../run/unless.ts';

const loaded = loadNativeTransport();
const reason = 'trouble' in loaded ? `no native transport: ${loaded.trouble}` : undefined;
const native = loaded as NativeTransport;

test('its name ends with the cookie, and must not be too long', () => {
  const cookie = () => '4711';
  expect(datagramSocket('/run/rater.sock', { cookie })).toBe('/run/rater.sock.4711');
  expect(datagramSocket('/run/rater.sock', { cookie: () => '' })).toBeUndefined();
  expect(datagramSocket('x'.repeat(102), { cookie })).toBe(`${'x'.repeat(102)}.4711`);
  expect(datagramSocket('x'.repeat(103), { cookie })).toBeUndefined();
});

test(
  'of names that look alike only dead sockets for datagrams are removed',
  unless(reason),
  async () => {
    const directory = temporaryDirectory();
    const path = (name: string) => join(directory, name);
    const dead = `
    const native = require(process.argv[1]);
    const numbers = new Int32Array(20_000);
    for (const path of process.argv.slice(2)) {
      const parts = [Buffer.alloc(1 << 17), Buffer.alloc(1 << 16), numbers, () => {}];
      if (typeof native.listen(path, -1, ...parts) === 'number') throw path;
    }
    process.kill(process.pid, 'SIGKILL');`;
    const addon = new URL('../../../dist/transport.node', import.meta.url).pathname;
    const names = ['s.1', 's.18446744073709551615', 's.01', 's.1x', 'other.1', 's'];
    spawnSync(process.execPath, ['-e', dead, addon, ...names.map(path)]);
    writeFileSync(path('s.2'), '');
    symlinkSync(path('s'), path('s.3'));
    const stream = createServer().listen(path('s.4'));
    onTestFinished(() => void stream.close());
    await once(stream, 'listening');
    const living = new NativeServer(native, {
      clock: { wallMs: () => 0, monotonicMs: () => 0 },
      isDatagram: true,
    } as ConstructorParameters<typeof NativeServer>[1]);
    await living.listen(path('s.5'), 1);
    onTestFinished(() => living.close());
    const before = readdirSync(directory);
    expect(before).toHaveLength(names.length + 4);
    removeDeadNames(path('s'), native.isDeadName);
    expect(before.filter((name) => !readdirSync(directory).includes(name)).sort()).toEqual([
      's.1',
      's.18446744073709551615',
    ]);
    removeDeadNames(path('missing/s'), native.isDeadName);
  },
);
