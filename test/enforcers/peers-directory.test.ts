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
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  addressOfPeerFile,
  PeersDirectory,
  peerFileName,
} from '../../src/enforcers/peers-directory.ts';
import { address, block } from '../blocks.ts';
import { keepsEnforcerPromises } from '../contract/enforcer.ts';
import { temporaryDirectory } from '../temporary-directory.ts';
import { startTcpsvd } from './tcpsvd.ts';

keepsEnforcerPromises('PeersDirectory under a real tcpsvd', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'ipthrottle-peers-'));
  const server = await startTcpsvd(directory);
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

function site(timeoutSeconds?: number) {
  const directory = temporaryDirectory();
  const peers = new PeersDirectory({ directory, timeoutSeconds });
  return { directory, peers, file: (name: string) => join(directory, name) };
}

/** Everything of a file that somebody could miss. */
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

test('a directory or link of that name is left alone', () => {
  const { peers, file } = site();
  mkdirSync(file('192.0.2.1'), { mode: 0o200 });
  expect(peers.impose(block('192.0.2.1'))).toBe('not possible');
  expect(peers.lift(block('192.0.2.1'))).toBe(false);
  expect(lstatSync(file('192.0.2.1')).isDirectory()).toBe(true);
});

test('a file that a killed process left unfinished is finished, and removed when it is over', () => {
  const { peers, file } = site();
  const sinceMs = Date.now();
  const unfinished = block('192.0.2.1', { sinceMs, untilMs: sinceMs + 60_000 });
  writeFileSync(file('192.0.2.1'), '', { mode: 0o200 });
  peers.reconcile([unfinished]);
  expect(traits(file('192.0.2.1')).mtimeMs).toBe(Math.ceil(unfinished.untilMs / 1000) * 1000);
  expect(peers.lift(unfinished)).toBe(true);
  expect(existsSync(file('192.0.2.1'))).toBe(false);
});

test('a file that a killed process had not yet replaced is known by its earlier end', () => {
  const { peers, file } = site();
  peers.impose(block('192.0.2.1'));
  const later = block('192.0.2.1', {
    sinceMs: 1_000_100_000,
    untilMs: 1_000_500_000,
    replacedUntilMs: 1_000_120_000,
  });
  expect(peers.standing(address('192.0.2.1'), later)).toBe('ours');
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
  const server = await startTcpsvd(directory, '-t', '3600');
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
  expect(peers.standing(address('192.0.2.1'), block('192.0.2.1'))).toBe('theirs');
  expect(peers.lift(block('192.0.2.1'))).toBe(false);
});
