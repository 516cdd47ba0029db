import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { findInCdb } from '../../../src/enforcers/cdb/cdb.ts';
import { PeersCdb } from '../../../src/enforcers/peers/peers-cdb.ts';
import { realTimers, type Timers } from '../../../src/runtime/timers.ts';
import { keepsEnforcerPromises } from '../../contract/enforcer.ts';
import { address, block } from '../../core/blocks.ts';
import { runIpsvdCdb } from '../../golden/real-tools.ts';
import { temporaryDirectory } from '../../run/temporary-directory.ts';
import { missing, unless } from '../../run/unless.ts';
import { HandTimers } from '../../runtime/hand-timers.ts';
import { loggedInto } from '../logged-into.ts';
import { startTcpsvd } from './tcpsvd.ts';

const noTools = missing('tcpsvd', 'ipsvd-cdb');
const message = 'Slow down';
const patiently = { timeout: 60_000 };

describe.each([
  ['silent', undefined],
  ['polite', message],
])('%s', (how, text) => {
  keepsEnforcerPromises(
    `a ${how} PeersCdb under a real tcpsvd -x`,
    async () => {
      const parent = mkdtempSync(join(tmpdir(), 'ipthrottle-peers-'));
      const directory = join(parent, 'peers');
      const cdb = join(parent, 'peers.cdb');
      mkdirSync(directory);
      const options = { directory, timeoutSeconds: undefined, message: text, cdb };
      const enforcer = new PeersCdb(options, () => {}, new HandTimers());
      enforcer.reconcile([]);
      enforcer.rebuild.flush();
      const server = await startTcpsvd(['-x', cdb]);
      return {
        enforcer,
        dropsConnection: ({ text: client }) =>
          text ? server.refuses(client) : server.drops(client),
        refuseAsAdmin: ({ text: client }) => {
          writeFileSync(join(directory, client), '', { mode: 0 });
        },
        close: async () => {
          await server.stop();
          rmSync(parent, { recursive: true });
        },
      };
    },
    noTools,
  );
});

function site(politely?: string, timers: Timers = new HandTimers()) {
  const parent = temporaryDirectory();
  const directory = join(parent, 'peers');
  const cdb = join(parent, 'peers.cdb');
  mkdirSync(directory);
  const logged: string[] = [];
  const options = { directory, timeoutSeconds: undefined, message: politely, cdb };
  const enforcer = new PeersCdb(options, loggedInto(logged), timers);
  onTestFinished(() => {
    try {
      enforcer.close();
    } catch {
      // A test that leaves trouble behind has checked it.
    }
  });
  enforcer.reconcile([]);
  enforcer.rebuild.flush();
  const dataOf = (name: string) => {
    const data = findInCdb(readFileSync(cdb), Buffer.from(name));
    return data && Buffer.from(data).toString('latin1');
  };
  return {
    enforcer,
    directory,
    cdb,
    logged,
    dataOf,
    file: (name: string) => join(directory, name),
  };
}

function hand(): { timers: HandTimers } & ReturnType<typeof site> {
  const timers = new HandTimers();
  return { timers, ...site(undefined, timers) };
}

test.each([
  ['silent', undefined],
  ['polite', message],
])(
  'with %s blocks the cdb is what ipsvd-cdb makes of the directory',
  unless(noTools),
  (_, politely) => {
    const { enforcer, directory, cdb, file } = site(politely);
    writeFileSync(file('0'), '# all\n+A=b\n', { mode: 0o444 });
    for (let i = 0; i < 300; i++) enforcer.impose(block(`192.0.${i >> 7}.${i & 127}`));
    enforcer.impose(block('198.51.100.0/24'));
    enforcer.rebuild.flush();
    expect(Buffer.compare(readFileSync(cdb), runIpsvdCdb(directory))).toBe(0);
    for (let i = 0; i < 300; i += 3) enforcer.lift(block(`192.0.${i >> 7}.${i & 127}`));
    enforcer.rebuild.flush();
    expect(Buffer.compare(readFileSync(cdb), runIpsvdCdb(directory))).toBe(0);
  },
);

test('tcpsvd -x says the message', async () => {
  const { enforcer, cdb } = site(message);
  enforcer.impose(block('127.7.7.7'));
  enforcer.rebuild.flush();
  const server = await startTcpsvd(['-x', cdb]);
  try {
    expect(await server.says('127.7.7.7')).toBe(`421 4.7.0 ${message}\r\n`);
    expect(await server.says('127.7.7.8')).toBe('in\n');
  } finally {
    await server.stop();
  }
});

test('a block is in the directory at once and in the cdb within a second, together with others', () => {
  const { enforcer, timers, dataOf, file } = hand();
  expect(enforcer.impose(block('192.0.2.1'))).toBe('pending');
  expect(enforcer.impose(block('192.0.2.2'))).toBe('pending');
  expect(existsSync(file('192.0.2.1'))).toBe(true);
  expect(dataOf('192.0.2.1')).toBeUndefined();
  timers.advance(1000);
  expect([dataOf('192.0.2.1'), dataOf('192.0.2.2')]).toEqual(['D', 'D']);
  expect(enforcer.impose(block('192.0.2.1'))).toBe('in force');
  timers.advance(1000);
  enforcer.lift(block('192.0.2.1'));
  expect(enforcer.entryOwner(address('192.0.2.1'), undefined)).toBe('ours');
  timers.advance(500);
  expect(dataOf('192.0.2.1')).toBeUndefined();
});

test('a later end of a polite block is in the cdb, too', () => {
  const { enforcer, dataOf } = site(message);
  enforcer.impose(block('192.0.2.1'));
  enforcer.rebuild.flush();
  const later = block('192.0.2.1', { untilMs: 1_000_500_000, replacedUntilMs: 1_000_120_000 });
  expect(enforcer.impose(later)).toBe('in force');
  enforcer.rebuild.flush();
  expect(dataOf('192.0.2.1')).toContain('until 1970-01-12T13:55:00.000Z');
});

test('a block whose name the admin has for an allow file is not possible', () => {
  const { enforcer, file, dataOf } = site();
  writeFileSync(file('192.0.2.1'), '+A=b\n', { mode: 0o444 });
  expect(enforcer.impose(block('192.0.2.1'))).toBe('not possible');
  enforcer.reconcile([block('192.0.2.1')]);
  enforcer.rebuild.flush();
  expect(dataOf('192.0.2.1')).toBe('+A=bI');
});

test('a cdb that somebody replaced is no longer "in force", and then it is again', () => {
  const { enforcer, timers, cdb, dataOf } = hand();
  enforcer.impose(block('192.0.2.1'));
  enforcer.rebuild.flush();
  rmSync(cdb);
  writeFileSync(cdb, Buffer.alloc(2048));
  expect(enforcer.impose(block('192.0.2.1'))).toBe('pending');
  timers.advance(1000);
  expect(dataOf('192.0.2.1')).toBe('D');
});

test('is not touched when its bytes would stay the same', () => {
  const { enforcer, cdb } = site();
  const { ino } = statSync(cdb);
  enforcer.impose(block('192.0.2.1'));
  enforcer.lift(block('192.0.2.1'));
  enforcer.reconcile([]);
  enforcer.rebuild.flush();
  expect(statSync(cdb).ino).toBe(ino);
});

test('a directory that does not compile keeps the old cdb, is logged once and tried again', () => {
  const { enforcer, timers, logged, file, dataOf, directory } = hand();
  timers.advance(2000);
  mkdirSync(file('sub'));
  enforcer.impose(block('192.0.2.1'));
  timers.advance(20_000);
  expect(enforcer.impose(block('192.0.2.1'))).toBe('pending');
  expect(dataOf('192.0.2.1')).toBeUndefined();
  expect(logged.length).toBe(1);
  expect(logged[0]).toContain('cdb not compiled, the old one stays: cannot compile');
  expect(logged[0]).toContain(`${directory}/sub`);
  expect(enforcer.rebuild.trouble).toContain('sub');
  rmSync(file('sub'), { recursive: true });
  timers.advance(20_000);
  expect(dataOf('192.0.2.1')).toBe('D');
  expect(enforcer.rebuild.trouble).toBeUndefined();
});

test('a watched directory is compiled when the admin changes it, even a file under our block', async () => {
  const { enforcer, file, dataOf, directory } = site(undefined, {
    ...realTimers,
    after: (_ms, task) => realTimers.after(1, task),
  });
  enforcer.watch();
  enforcer.impose(block('192.0.2.1'));
  enforcer.rebuild.flush();
  await vi.waitFor(() => expect(dataOf('192.0.2.1')).toBe('D'), patiently);
  writeFileSync(join(directory, '..new'), '+A=b\n');
  renameSync(join(directory, '..new'), file('0'));
  await vi.waitFor(() => expect(dataOf('0')).toBe('+A=bI'), patiently);
  writeFileSync(join(directory, '..new'), '+C=d\n');
  renameSync(join(directory, '..new'), file('192.0.2.1'));
  await vi.waitFor(() => expect(dataOf('192.0.2.1')).toBe('+C=dI'), patiently);
  chmodSync(file('0'), 0);
  await vi.waitFor(() => expect(dataOf('0')).toBe('D'), patiently);
});

test('the remembered data of a watched file is forgotten when its block changes', async () => {
  const { enforcer, dataOf } = site(message);
  enforcer.watch();
  enforcer.impose(block('192.0.2.1'));
  // Lets the directory's own notes about that file arrive, so that they cannot help.
  await new Promise((resolve) => setTimeout(resolve, 100));
  enforcer.rebuild.flush();
  const later = block('192.0.2.1', { untilMs: 1_000_500_000, replacedUntilMs: 1_000_120_000 });
  enforcer.impose(later);
  enforcer.rebuild.flush();
  expect(dataOf('192.0.2.1')).toContain('until 1970-01-12T13:55:00.000Z');
});

test('nothing is compiled before reconcile tells that all blocks have their files', () => {
  const parent = temporaryDirectory();
  const cdb = join(parent, 'cdb');
  const directory = join(parent, 'peers');
  mkdirSync(directory);
  const options = { directory, timeoutSeconds: undefined, cdb };
  const enforcer = new PeersCdb(options, () => {}, new HandTimers());
  expect(enforcer.impose(block('192.0.2.1'))).toBe('pending');
  enforcer.rebuild.flush();
  enforcer.close();
  expect(existsSync(cdb)).toBe(false);
});

test('a directory that cannot be watched is a warning', () => {
  const { enforcer, directory, logged } = site();
  rmSync(directory, { recursive: true });
  enforcer.watch();
  expect(logged[0]).toMatch(/^warn: cannot watch: .*peers.cdb, or its source: ENOENT/);
});

test('without its cdb the owner is unknown', () => {
  const { enforcer, cdb } = site();
  rmSync(cdb);
  expect(enforcer.entryOwner(address('192.0.2.1'), undefined)).toBe('unknown');
});

test("the admin's command is unknown, and a refused network is found", () => {
  const { enforcer, file } = site(message);
  writeFileSync(file('192.0.2.1'), 'exec cat\n');
  chmodSync(file('192.0.2.1'), 0o555);
  const network = block('198.51.100.0/24');
  enforcer.impose(network);
  enforcer.rebuild.flush();
  expect(enforcer.entryOwner(address('192.0.2.1'), undefined)).toBe('unknown');
  expect(enforcer.entryOwner(address('198.51.100.7'), network)).toBe('ours');
});
