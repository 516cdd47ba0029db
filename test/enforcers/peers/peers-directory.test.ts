/**
 * Tests: src/enforcers/peers/peer-file-maker.ts, src/enforcers/peers/peer-file.ts
 * Tests: src/files/mode-bits.ts
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { addressOfPeerFile, peerFileName } from '../../../src/enforcers/peers/peer-file.ts';
import { PeersDirectory } from '../../../src/enforcers/peers/peers-directory.ts';
import { keepsEnforcerPromises } from '../../contract/enforcer.ts';
import { address, block } from '../../core/blocks.ts';
import { temporaryDirectory } from '../../run/temporary-directory.ts';
import { startTcpsvd } from './tcpsvd.ts';

keepsEnforcerPromises('PeersDirectory under a real tcpsvd', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'ipthrottle-peers-'));
  const server = await startTcpsvd(['-i', directory]);
  return {
    enforcer: new PeersDirectory({ directory, timeoutSeconds: undefined }),
    dropsConnection: (client) => server.drops(client.text),
    refuseAsAdmin: (client) => writeFileSync(join(directory, client.text), '', { mode: 0 }),
    close: async () => {
      await server.stop();
      rmSync(directory, { recursive: true });
    },
  };
});

const message = 'Slow down';

keepsEnforcerPromises('a polite PeersDirectory under a real tcpsvd', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'ipthrottle-peers-'));
  const server = await startTcpsvd(['-i', directory]);
  return {
    enforcer: new PeersDirectory({ directory, timeoutSeconds: undefined, message }),
    dropsConnection: (client) => server.refuses(client.text),
    refuseAsAdmin: (client) => writeFileSync(join(directory, client.text), '', { mode: 0 }),
    close: async () => {
      await server.stop();
      rmSync(directory, { recursive: true });
    },
  };
});

function site(timeoutSeconds?: number, politely?: string) {
  const directory = temporaryDirectory();
  const peers = new PeersDirectory({ directory, timeoutSeconds, message: politely });
  return { directory, peers, file: (name: string) => join(directory, name) };
}

/** Everything about a file that somebody could miss. */
function traits(path: string) {
  const { mode, mtimeMs, size, ino } = lstatSync(path);
  return { mode: mode & 0o7777, mtimeMs, size, ino };
}

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['192.0.2.0/24', '192.0.2'],
  ['192.0.0.0/16', '192.0'],
  ['10.0.0.0/8', '10'],
  ['192.0.2.0/25', undefined],
  ['0.0.0.0/0', undefined],
  ['2001:db8::1', undefined],
])('%s is in the file %s', (text, name) => {
  expect(peerFileName(address(text))).toBe(name);
  if (name) expect(addressOfPeerFile(name)?.text).toBe(text);
});

test.each(['', '0x7f.1', '1.2.3.4.5', '01.2.3.4', 'example.org', '..1.2.3.4.ipthrottle', '256'])(
  'a file %j stands for no address',
  (name) => {
    expect(addressOfPeerFile(name)).toBeUndefined();
  },
);

test.each([0, 0o22, 0o77, 0o177])('under umask %s the file is 0200 and says why', (umask) => {
  const { peers, file } = site();
  const before = process.umask(umask);
  try {
    peers.impose(block('192.0.2.1'));
  } finally {
    process.umask(before);
  }
  expect(traits(file('192.0.2.1')).mode).toBe(0o200);
  chmodSync(file('192.0.2.1'), 0o600);
  expect(readFileSync(file('192.0.2.1'), 'utf8')).toBe(
    `ipthrottle block
address 192.0.2.1
class ip
rate 11/10 in 60
since 1970-01-12T13:46:40.000Z
until 1970-01-12T13:48:40.000Z
times 1
source rate
`,
  );
});

test('its dates are the end, and for tcpsvd -t the end less its time', () => {
  const { peers, file } = site(90);
  peers.impose(block('192.0.2.1', { untilMs: 1_000_120_001 }));
  const { atimeMs, mtimeMs } = statSync(file('192.0.2.1'));
  expect([mtimeMs, atimeMs]).toEqual([1_000_121_000, 1_000_031_000]);
});

test('a later end replaces the file whole, and leaves nothing beside it', () => {
  const { peers, directory, file } = site();
  peers.impose(block('192.0.2.1'));
  const first = traits(file('192.0.2.1'));
  const later = block('192.0.2.1', { untilMs: 1_000_500_000, replacedUntilMs: 1_000_120_000 });
  expect(peers.impose(later)).toBe('in force');
  const second = traits(file('192.0.2.1'));
  expect([second.mode, second.mtimeMs]).toEqual([0o200, 1_000_500_000]);
  expect(second.ino).not.toBe(first.ino);
  expect(readdirSync(directory)).toEqual(['192.0.2.1']);
});

test.each([
  ['an allow file', 0o444, 'not possible'],
  ['a deny file of mode 0', 0o000, 'in force'],
  ['a deny file of our mode and another date', 0o200, 'in force'],
])('%s of the admin is left as it is', (_, mode, imposed) => {
  const { peers, file } = site();
  writeFileSync(file('192.0.2.1'), '+RELAYCLIENT=\n');
  chmodSync(file('192.0.2.1'), mode);
  const before = traits(file('192.0.2.1'));
  expect(peers.impose(block('192.0.2.1'))).toBe(imposed);
  peers.reconcile([block('192.0.2.1')]);
  expect(peers.lift(block('192.0.2.1'))).toBe(false);
  expect(traits(file('192.0.2.1'))).toEqual(before);
});

test('a directory of that name is left alone', () => {
  const { peers, file } = site();
  mkdirSync(file('192.0.2.1'), { mode: 0o200 });
  expect(peers.impose(block('192.0.2.1'))).toBe('not possible');
  expect(peers.lift(block('192.0.2.1'))).toBe(false);
  expect(lstatSync(file('192.0.2.1')).isDirectory()).toBe(true);
});

test('a link of that name is left alone, even one that leads to a file of ours', () => {
  const { peers, file } = site();
  peers.impose(block('192.0.2.2'));
  symlinkSync('192.0.2.2', file('192.0.2.1'));
  expect(peers.impose(block('192.0.2.1'))).toBe('not possible');
  expect(peers.lift(block('192.0.2.1'))).toBe(false);
  expect(lstatSync(file('192.0.2.1')).isSymbolicLink()).toBe(true);
});

test('a file that denies is not ours just because it was made when the block was', () => {
  const { peers, file } = site();
  const sinceMs = Date.now();
  const later = block('192.0.2.1', { sinceMs, untilMs: sinceMs + 60_000 });
  writeFileSync(file('192.0.2.1'), '', { mode: 0o200 });
  const before = traits(file('192.0.2.1'));
  peers.reconcile([later]);
  expect(peers.lift(later)).toBe(false);
  expect(traits(file('192.0.2.1'))).toEqual(before);
});

test('a file that a killed process had not yet replaced is recognized by its earlier end', () => {
  const { peers, file } = site();
  peers.impose(block('192.0.2.1'));
  const later = block('192.0.2.1', {
    sinceMs: 1_000_100_000,
    untilMs: 1_000_500_000,
    replacedUntilMs: 1_000_120_000,
  });
  expect(peers.entryOwner(address('192.0.2.1'), later)).toBe('ours');
  peers.reconcile([later]);
  expect(traits(file('192.0.2.1')).mtimeMs).toBe(1_000_500_000);
});

test('reconcile removes half-made replacements and nothing else', () => {
  const { peers, directory, file } = site();
  const kept = ['..other', '.x', '0', '192.0.2.9'];
  for (const name of [...kept, '..192.0.2.1.ipthrottle']) writeFileSync(file(name), '');
  peers.reconcile([]);
  expect(readdirSync(directory).sort()).toEqual(kept);
});

test('a missing directory is a Fault that names it', () => {
  const { peers, directory } = site();
  rmSync(directory, { recursive: true });
  for (const work of [() => peers.impose(block('192.0.2.1')), () => peers.reconcile([])]) {
    expect(work).toThrow(expect.objectContaining({ name: 'Fault', code: 'enforcer' }));
    expect(work).toThrow(directory);
  }
});

test('with -t, tcpsvd itself ends the block at its end', async () => {
  const { peers, directory, file } = site(3600);
  const server = await startTcpsvd(['-i', directory], '-t', '3600');
  try {
    const name = '127.7.7.7';
    const now = Date.now();
    peers.impose(block(name, { sinceMs: now, untilMs: now + 60_000 }));
    expect(await server.drops(name)).toBe(true);
    const over = Math.floor(now / 1000);
    peers.lift(block(name, { sinceMs: now, untilMs: now + 60_000 }));
    peers.impose(block(name, { sinceMs: now - 60_000, untilMs: over * 1000 }));
    expect(await server.drops(name)).toBe(false);
    expect(existsSync(file(name))).toBe(false);
  } finally {
    await server.stop();
  }
});

test('a date that somebody else set makes the file theirs', () => {
  const { peers, file } = site();
  peers.impose(block('192.0.2.1'));
  utimesSync(file('192.0.2.1'), 5, 5);
  expect(peers.entryOwner(address('192.0.2.1'), block('192.0.2.1'))).toBe('theirs');
  expect(peers.lift(block('192.0.2.1'))).toBe(false);
});

test.each([0, 0o22, 0o77, 0o177])('under umask %s a polite file is 0555 and a command', (umask) => {
  const { peers, file } = site(90, 'Slow down (100%s), $HOME `id`');
  const before = process.umask(umask);
  try {
    peers.impose(block('192.0.2.1'));
  } finally {
    process.umask(before);
  }
  expect(traits(file('192.0.2.1'))).toMatchObject({ mode: 0o555, mtimeMs: 1_000_120_000 });
  const text = readFileSync(file('192.0.2.1'), 'utf8');
  expect(text).toBe(
    `# ipthrottle block
# address 192.0.2.1
# class ip
# rate 11/10 in 60
# since 1970-01-12T13:46:40.000Z
# until 1970-01-12T13:48:40.000Z
# times 1
# source rate
printf '%s\\r\\n' '421 4.7.0 Slow down (100%s), $HOME \`id\`'
`,
  );
  const { stdout, stderr } = spawnSync('/bin/sh', ['-c', text], { encoding: 'utf8' });
  expect([stdout, stderr]).toEqual(['421 4.7.0 Slow down (100%s), $HOME `id`\r\n', '']);
});

test('whatever a polite file is made of, it has one command, and the message is one word', () => {
  const { peers, file } = site(undefined, "it's\n$(touch x)\r\u00e9");
  peers.impose(block('192.0.2.1', { class: 'ip\ntouch x' }));
  const text = readFileSync(file('192.0.2.1'), 'utf8');
  const { stdout } = spawnSync('/bin/sh', ['-c', text], { encoding: 'utf8' });
  expect(stdout).toBe("421 4.7.0 it's?$(touch x)??\r\n");
  expect(text.split('\n').filter((line) => !line.startsWith('#')).length).toBe(2);
});

test('however much of a polite file a power loss leaves, nobody gets in', () => {
  const { peers, file } = site(undefined, message);
  peers.impose(block('192.0.2.1'));
  const text = readFileSync(file('192.0.2.1'), 'utf8');
  const said = new Set<string>();
  for (let length = text.length - 60; length <= text.length; length++) {
    const { stdout } = spawnSync('/bin/sh', ['-c', text.slice(0, length)], { encoding: 'utf8' });
    said.add(stdout.trim());
  }
  expect([...said].every((words) => `421 4.7.0 ${message}`.startsWith(words))).toBe(true);
});

test('tcpsvd says the message, as another user too, and the program is not run', async () => {
  const { peers, directory } = site(undefined, message);
  chmodSync(directory, 0o755);
  peers.impose(block('127.7.7.7'));
  peers.impose(block('127.8.0.0/16'));
  const isRoot = process.getuid?.() === 0;
  if (!isRoot) console.warn('not root: tcpsvd runs as the owner of the files here');
  const server = await startTcpsvd(['-i', directory], ...(isRoot ? ['-u', 'nobody'] : []));
  try {
    for (const client of ['127.7.7.7', '127.8.9.9']) {
      expect(await server.says(client)).toBe(`421 4.7.0 ${message}\r\n`);
    }
    expect(await server.says('127.7.7.8')).toBe('in\n');
  } finally {
    await server.stop();
  }
});

test('tcpsvd -t does not end a polite block, neither early nor late: its owner cannot write it', async () => {
  const { peers, directory, file } = site(1, message);
  const now = Date.now();
  const polite = block('127.7.7.7', { sinceMs: now, untilMs: now + 60_000 });
  peers.impose(polite);
  const server = await startTcpsvd(['-i', directory], '-t', '1');
  try {
    for (let visit = 0; visit < 3; visit++) {
      utimesSync(file('127.7.7.7'), now / 1000 - 3600, Math.ceil(polite.untilMs / 1000));
      expect(await server.refuses('127.7.7.7')).toBe(true);
      expect(existsSync(file('127.7.7.7'))).toBe(true);
    }
    expect(peers.lift(polite)).toBe(true);
    expect(await server.refuses('127.7.7.7')).toBe(false);
  } finally {
    await server.stop();
  }
});

test.each([
  ['silent', 'polite', undefined, message, 0o555],
  ['polite', 'silent', message, undefined, 0o200],
])('%s blocks become %s at start, by rename', (_from, _to, before, after, mode) => {
  const { peers, directory, file } = site(undefined, before);
  const kept = block('192.0.2.1');
  peers.impose(kept);
  const first = traits(file('192.0.2.1'));
  const restarted = new PeersDirectory({ directory, timeoutSeconds: undefined, message: after });
  expect(restarted.entryOwner(address('192.0.2.1'), kept)).toBe('ours');
  restarted.reconcile([kept]);
  const second = traits(file('192.0.2.1'));
  expect([second.mode, second.mtimeMs]).toEqual([mode, first.mtimeMs]);
  expect(second.ino).not.toBe(first.ino);
  expect(readdirSync(directory)).toEqual(['192.0.2.1']);
  restarted.reconcile([kept]);
  expect(traits(file('192.0.2.1'))).toEqual(second);
  expect(restarted.lift(kept)).toBe(true);
  expect(readdirSync(directory)).toEqual([]);
});

test.each([
  ['an allow file', 0o444, 'not possible', 'absent'],
  ['a command', 0o555, 'not possible', 'unknown'],
  ['a command that its owner may write', 0o755, 'not possible', 'unknown'],
  ['a deny file', 0o000, 'in force', 'theirs'],
])('a polite block leaves %s of the admin as it is', (_, mode, imposed, owner) => {
  const { peers, directory, file } = site(undefined, message);
  writeFileSync(file('192.0.2.1'), 'exec cat\n');
  chmodSync(file('192.0.2.1'), mode);
  const before = traits(file('192.0.2.1'));
  const mine = block('192.0.2.1');
  expect(peers.impose(mine)).toBe(imposed);
  expect(peers.entryOwner(mine.address, mine)).toBe(owner);
  peers.reconcile([mine]);
  expect(peers.lift(mine)).toBe(false);
  expect(traits(file('192.0.2.1'))).toEqual(before);
  expect(readdirSync(directory)).toEqual(['192.0.2.1']);
});

test('a command of the admin that was made just when the block was stays his', () => {
  const { peers, file } = site(undefined, message);
  const mine = block('192.0.2.1', { sinceMs: Date.now(), untilMs: Date.now() + 60_000 });
  writeFileSync(file('192.0.2.1'), 'exec cat\n');
  chmodSync(file('192.0.2.1'), 0o555);
  expect(peers.impose(mine)).toBe('not possible');
  expect(peers.lift(mine)).toBe(false);
});

test('a later end replaces a polite file whole, and leaves nothing beside it', () => {
  const { peers, directory, file } = site(undefined, message);
  peers.impose(block('192.0.2.1'));
  const later = block('192.0.2.1', { untilMs: 1_000_500_000, replacedUntilMs: 1_000_120_000 });
  expect(peers.impose(later)).toBe('in force');
  expect(traits(file('192.0.2.1'))).toMatchObject({ mode: 0o555, mtimeMs: 1_000_500_000 });
  expect(readFileSync(file('192.0.2.1'), 'utf8')).toContain('until 1970-01-12T13:55:00.000Z');
  expect(readdirSync(directory)).toEqual(['192.0.2.1']);
});
