/**
 * The promises of a socket for checks by the native transport, and how it is chosen.
 *
 * Tests: src/daemon/listeners/native-transport.ts, src/transport/transport.c, src/transport/addon.c
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ConnectionLimit } from '../../../src/daemon/listeners/connection-limit.ts';
import { Connections } from '../../../src/daemon/listeners/connections.ts';
import {
  NativeServer,
  type NativeServerParts,
} from '../../../src/daemon/listeners/native-server.ts';
import {
  chooseTransport,
  loadNativeTransport,
  type NativeTransport,
} from '../../../src/daemon/listeners/native-transport.ts';
import { CheckMetrics } from '../../../src/health/check-metrics.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import type { Reply } from '../../../src/wire/reply.ts';
import { keepsCheckSocketPromises } from '../../contract/check-socket.ts';
import { temporaryDirectory } from '../../run/temporary-directory.ts';
import { missing, unless } from '../../run/unless.ts';
import { compileDatagrams } from '../../system/datagram-client.ts';

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

  describe('by datagram', unless(missing('cc')), () => {
    const datagrams = compileDatagrams();
    /** More than are kept while they wait for their answers. */
    const many = 400;

    /** A listener whose answers are all due until the test gives them. */
    async function listening() {
      const due: (() => void)[] = [];
      let late = 0;
      const hit = () => {
        return new Promise<Reply>((resolve) => {
          due.push(() => resolve({ status: 0, count: due.length, limit: -1 }));
        });
      };
      const server = new NativeServer(native as NativeTransport, {
        gatekeeper: { hit, hasClass: () => true },
        clock: systemClock,
        metrics: new CheckMetrics(systemClock),
        connections: new Connections(),
        limit: new ConnectionLimit(1, () => {}),
        isDatagram: true,
        onError: () => {},
        onLateReply: () => {
          late += 1;
        },
      });
      const path = join(temporaryDirectory(), 's');
      await server.listen(path, 0);
      onTestFinished(() => server.close());
      return { path, due, late: () => late };
    }

    test('an answer may take its time', async () => {
      const { path, due } = await listening();
      const sent = datagrams(path, 'user a', 'user b');
      while (due.length < 2) await pause(1);
      for (const answer of due) answer();
      expect(await sent).toEqual({ exit: 0, said: '0 2/-\r\n0 2/-\r\n' });
    });

    test('while too many answers are due, no more is received; then all goes on', async () => {
      const { path, due, late } = await listening();
      const lines = Array.from({ length: many }, (_, number) => `user u${number}`);
      const sent = datagrams('-q', path, ...lines);
      while (due.length < 256) await pause(1);
      await pause(50);
      expect(due).toHaveLength(256);
      for (let answered = 0; answered < many; answered += 1) {
        while (due.length <= answered) await pause(1);
        due[answered]?.();
      }
      expect(await sent).toMatchObject({ exit: 0 });
      while (late() === 0) await pause(1);
      const next = datagrams(path, 'user a');
      while (due.length <= many) await pause(1);
      due[many]?.();
      expect(await next).toEqual({ exit: 0, said: `0 ${many + 1}/-\r\n` });
    });
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
