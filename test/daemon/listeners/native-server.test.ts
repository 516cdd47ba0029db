/**
 * The promises of a socket for checks by the native transport, and how it is chosen.
 *
 * Tests: src/daemon/listeners/native-transport.ts, src/transport/transport.c, src/transport/addon.c
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import {
  NativeServer,
  type NativeServerParts,
} from '../../../src/daemon/listeners/native-server.ts';
import {
  chooseTransport,
  loadNativeTransport,
  type NativeTransport,
} from '../../../src/daemon/listeners/native-transport.ts';
import { keepsCheckSocketPromises } from '../../contract/check-socket.ts';
import { temporaryDirectory } from '../../run/temporary-directory.ts';
import { unless } from '../../run/unless.ts';

const addonPath = fileURLToPath(new URL('../../../dist/transport.node', import.meta.url));
const native = loadNativeTransport();
const reason = 'trouble' in native ? `no native transport: ${native.trouble}` : undefined;

describe('the native transport', unless(reason), () => {
  keepsCheckSocketPromises('it', (parts) => {
    const server = new NativeServer(native as NativeTransport, { ...parts, onError: () => {} });
    return { listener: server, listed: server };
  });

  test('is used unless node:net is wanted', () => {
    expect(chooseTransport(undefined)).toEqual({ native, trouble: undefined });
    expect(chooseTransport('node')).toEqual({ native: undefined, trouble: undefined });
  });

  test('refuses a name that is too long, where libuv cuts it off', async () => {
    const server = new NativeServer(native as NativeTransport, {} as NativeServerParts);
    const path = join(temporaryDirectory(), 'x'.repeat(120));
    await expect(server.listen(path, 1)).rejects.toThrow('ENAMETOOLONG');
  });

  /** Listens, is asked once and does `last`. */
  const asked = (last: string) => `
    const { workerData } = require('node:worker_threads');
    const [addon, path] = workerData ?? process.argv.slice(1);
    const native = require(addon);
    const numbers = new Int32Array(20_000);
    const replies = Buffer.alloc(1 << 16);
    const wake = () => {
      numbers[7] = numbers[6];
      native.take(listener, numbers[6] > 0 ? replies.write('reply') : 0);
    };
    const listener = native.listen(path, 5, Buffer.alloc(1 << 17), replies, numbers, wake);
    const client = require('node:net').connect(path, () => client.write('line\\n'));
    client.on('data', (reply) => {
      console.log(String(reply));
      ${last}
    });`;

  /** What the script prints, once it has ended by itself. */
  function printedBy(script: string): string {
    const args = ['-e', script, addonPath, join(temporaryDirectory(), 's')];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return stdout;
  }

  test('a process ends by itself when its listener is closed and its clients are gone', () => {
    expect(printedBy(asked('native.close(listener); client.end();'))).toBe('reply\n');
  });

  test('a thread that ends closes its listener and its clients', () => {
    const script = `
      const { Worker } = require('node:worker_threads');
      const { readdirSync } = require('node:fs');
      const workerData = process.argv.slice(1);
      const run = (then) => {
        new Worker(${JSON.stringify(asked('process.exit();'))}, { eval: true, workerData }).on('exit', () => {
          require('node:fs').unlinkSync(workerData[1]);
          then();
        });
      };
      const open = () => readdirSync('/proc/self/fd').length;
      run(() => {
        const before = open();
        run(() => console.log(open() - before));
      });`;
    expect(printedBy(script).split('\n').at(-2)).toBe('0');
  });
});
