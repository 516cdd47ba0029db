/**
 * How datagrams are answered whose answers take their time, or never come, and what is left of a listener.
 * What is answered is in test/system/datagrams.test.ts.
 *
 * Tests: src/transport/datagrams.c, src/transport/addon.c
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { DatagramServer } from '../../../src/daemon/listeners/datagram-server.ts';
import {
  loadNativeTransport,
  type NativeTransport,
} from '../../../src/daemon/listeners/native-transport.ts';
import { CheckMetrics } from '../../../src/health/check-metrics.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import type { Reply } from '../../../src/wire/reply.ts';
import { temporaryDirectory } from '../../run/temporary-directory.ts';
import { missing, unless } from '../../run/unless.ts';
import { compileDatagrams } from '../../system/datagram-client.ts';

const addonPath = fileURLToPath(new URL('../../../dist/transport.node', import.meta.url));
const native = loadNativeTransport();
const reason = 'trouble' in native ? `no native transport: ${native.trouble}` : missing('cc');

describe('a listener for datagrams', unless(reason), () => {
  const datagrams = compileDatagrams();
  /** More than are kept while they wait for their answers. */
  const many = 400;

  async function listening(hit: () => Promise<Reply>) {
    let late = 0;
    const server = new DatagramServer(native as NativeTransport, {
      gatekeeper: { hit, hasClass: () => true },
      clock: systemClock,
      metrics: new CheckMetrics(systemClock),
      onLateReply: () => {
        late += 1;
      },
    });
    const path = join(temporaryDirectory(), 's');
    await server.listen(path);
    onTestFinished(() => server.close());
    return { path, late: () => late };
  }

  /** One whose answers are all due until the test gives them. */
  async function waiting() {
    const due: (() => void)[] = [];
    const hit = () => {
      return new Promise<Reply>((resolve) => {
        due.push(() => resolve({ status: 0, count: due.length, limit: -1 }));
      });
    };
    return { ...(await listening(hit)), due };
  }

  test('sends an answer that takes its time', async () => {
    const { path, due } = await waiting();
    const sent = datagrams(path, 'user a', 'user b');
    while (due.length < 2) await pause(1);
    for (const answer of due) answer();
    expect(await sent).toEqual({ exit: 0, said: '0 2/-\r\n0 2/-\r\n' });
  });

  test('sends an answer that is there at once, but is promised', async () => {
    const { path } = await listening(async () => ({ status: 0, count: 1, limit: -1 }));
    const few = Array(5).fill('user a');
    for (let sent = 0; sent < many; sent += few.length) {
      expect(await datagrams(path, ...few)).toMatchObject({ exit: 0 });
    }
  });

  test('forgets the datagram when there is no answer', async () => {
    let isFailing = true;
    const { path } = await listening(async () => {
      if (isFailing) throw new Error('no answer');
      return { status: 0, count: 1, limit: -1 };
    });
    expect(await datagrams('-q', path, ...Array(many).fill('user a'))).toMatchObject({ exit: 0 });
    isFailing = false;
    expect(await datagrams(path, 'user a')).toEqual({ exit: 0, said: '0 1/-\r\n' });
  });

  test('receives no more while too many answers are due; then all goes on', async () => {
    const { path, due, late } = await waiting();
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

  test('refuses a name that is too long, and one that is taken', async () => {
    const { path } = await waiting();
    const listen = (at: string) => {
      return new DatagramServer(native as NativeTransport, {} as never).listen(at);
    };
    await expect(listen(path)).rejects.toThrow('EADDRINUSE');
    await expect(listen(join(path, 'x'.repeat(120)))).rejects.toThrow('ENAMETOOLONG');
  });

  /** Listens and does `last`. */
  const script = (last: string) => `
    const { workerData } = require('node:worker_threads');
    const [addon, path] = workerData ?? process.argv.slice(1);
    const native = require(addon);
    const answer = () => 0;
    const listener = native.receive(path, Buffer.alloc(1000), Buffer.alloc(1024), answer, () => {});
    ${last}`;

  /** What the script prints, once it has ended by itself. */
  function printedBy(text: string): string {
    const args = ['-e', text, addonPath, join(temporaryDirectory(), 's')];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return stdout;
  }

  test('lets its process end once it is closed', () => {
    expect(printedBy(script("native.close(listener); console.log('closed');"))).toBe('closed\n');
  });

  test('is closed with its thread', () => {
    const thread = JSON.stringify(script('process.exit();'));
    const text = `
      const { Worker } = require('node:worker_threads');
      const { readdirSync, unlinkSync } = require('node:fs');
      const workerData = process.argv.slice(1);
      const run = (then) => {
        new Worker(${thread}, { eval: true, workerData }).on('exit', () => {
          unlinkSync(workerData[1]);
          then();
        });
      };
      const open = () => readdirSync('/proc/self/fd').length;
      run(() => {
        const before = open();
        run(() => console.log(open() - before));
      });`;
    expect(printedBy(text)).toBe('0\n');
  });
});
