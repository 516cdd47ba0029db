/**
 * What inspecting the peers directory finds where files and blocks disagree.
 *
 * Tests: src/enforcers/peers/read-peer-file.ts, src/enforcers/peers/peers-directory.ts
 */

import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Block } from '../../../src/core/block.ts';
import {
  blockInPeerFile,
  peerFileText,
  politeFileText,
} from '../../../src/enforcers/peers/peer-file.ts';
import { PeersDirectory } from '../../../src/enforcers/peers/peers-directory.ts';
import { readPeerFile } from '../../../src/enforcers/peers/read-peer-file.ts';
import { findings } from '../../contract/enforcer.ts';
import { block } from '../../core/blocks.ts';
import { temporaryDirectory } from '../../run/temporary-directory.ts';
import { notRoot, unless } from '../../run/unless.ts';

const nobody = 65534;
const isRoot = process.geteuid?.() === 0;

/** Continues as an ordinary user until the end of the test. */
function becomeNobody(...paths: string[]): void {
  if (!isRoot) return;
  for (const path of paths) chownSync(path, nobody, nobody);
  process.seteuid?.(nobody);
  onTestFinished(() => process.seteuid?.(0));
}

function site(options: { polite?: string; timeoutSeconds?: number } = {}) {
  const directory = join(temporaryDirectory(), 'peers');
  mkdirSync(directory);
  const start = () => {
    const { timeoutSeconds, polite: message } = options;
    return new PeersDirectory({ directory, timeoutSeconds, message });
  };
  return { directory, start, peers: start(), file: (name: string) => join(directory, name) };
}

function traits(path: string) {
  const { ino, mode, mtimeMs, atimeMs, size, uid, nlink } = lstatSync(path);
  return { ino, mode, mtimeMs, atimeMs, size, uid, nlink };
}

const first = block('192.0.2.1');
const second = block('198.51.100.0/24', { class: 'net', source: 'operator', times: 3 });

function imposed(made: ReturnType<typeof site>, blocks: readonly Block[] = [first, second]) {
  for (const each of blocks) made.peers.impose(each);
  return made;
}

test.each([
  ['silent', peerFileText(second)],
  ['polite', politeFileText(second, 'Slow down')],
])('what a %s file says is what its block was', (_, text) => {
  expect(blockInPeerFile(text)).toEqual(second);
  expect(blockInPeerFile(text.slice(0, 60))).toBeUndefined();
  expect(blockInPeerFile(`# a note\n${text}`)).toBeUndefined();
  expect(blockInPeerFile(text.replace('198.51.100.0/24', '198.51.100.1/24'))).toBeUndefined();
  expect(blockInPeerFile(text.replace('source operator', 'source me'))).toBeUndefined();
});

test('an inspection finds that somebody removed a file', () => {
  const { peers, file } = imposed(site());
  unlinkSync(file('192.0.2.1'));
  expect(findings(peers, [first, second], 'changed'), 'without a hint').toEqual([]);
  expect(findings(peers, [first, second])).toEqual([{ kind: 'removed', block: first }]);
});

test('the kernel tells of a removed file, and then of one that is put back', async () => {
  const { peers, directory, file } = imposed(site());
  let tell = () => {};
  const told = () => new Promise<void>((resolve) => (tell = resolve));
  peers.watch(() => tell());
  onTestFinished(() => peers.close());
  const removed = told();
  renameSync(file('192.0.2.1'), `${directory}.kept`);
  await removed;
  expect(findings(peers, [first, second], 'changed')).toEqual([{ kind: 'removed', block: first }]);
  const back = told();
  renameSync(`${directory}.kept`, file('192.0.2.1'));
  await back;
  expect(findings(peers, [second], 'changed')).toEqual([{ kind: 'orphan', block: first }]);
});

test('a file that was removed before we knew of it counts as lost, not removed', () => {
  const { start, file } = imposed(site());
  unlinkSync(file('192.0.2.1'));
  expect(findings(start(), [first, second])).toEqual([{ kind: 'missing', block: first }]);
});

test('a file that we removed ourselves is not missed', () => {
  const { peers } = imposed(site());
  peers.lift(first);
  expect(findings(peers, [second])).toEqual([]);
});

test('a file of ours with another date is made anew, and does not count as removed', () => {
  const { peers, file } = imposed(site());
  const later = block('192.0.2.1', { untilMs: 1_000_500_000, replacedUntilMs: first.untilMs });
  expect(findings(peers, [later, second])).toEqual([{ kind: 'missing', block: later }]);
  peers.impose(later);
  expect(traits(file('192.0.2.1')).mtimeMs).toBe(1_000_500_000);
  expect(findings(peers, [later, second])).toEqual([]);
});

test("the admin's file in place of ours is left, and its removal lifts nothing", () => {
  const { peers, file } = imposed(site());
  unlinkSync(file('192.0.2.1'));
  writeFileSync(file('192.0.2.1'), '+RELAYCLIENT=\n', { mode: 0o444 });
  const before = traits(file('192.0.2.1'));
  expect(findings(peers, [first, second])).toEqual([]);
  expect(traits(file('192.0.2.1'))).toEqual(before);
  unlinkSync(file('192.0.2.1'));
  expect(findings(peers, [first, second])).toEqual([{ kind: 'missing', block: first }]);
});

test('a file that a killed process did not complete is removed where no block explains it', () => {
  const { peers, directory, file } = imposed(site());
  writeFileSync(file('192.0.2.7'), '');
  chmodSync(file('192.0.2.7'), 0o1200);
  expect(findings(peers, [first, second])).toEqual([]);
  expect(readdirSync(directory).sort()).toEqual(['192.0.2.1', '198.51.100']);
});

describe('a directory that was replaced', () => {
  test('lifts nothing: all blocks are missing', () => {
    const { peers, directory } = imposed(site());
    renameSync(directory, `${directory}.old`);
    mkdirSync(directory);
    expect(findings(peers, [first, second], 'changed')).toEqual([
      { kind: 'replaced', what: directory },
      { kind: 'missing', block: first },
      { kind: 'missing', block: second },
    ]);
    expect(findings(peers, [])).toEqual([]);
  });

  test('lifts nothing when it has the inode of the old one', () => {
    const { peers, directory } = imposed(site());
    for (let turn = 0; turn < 20; turn += 1) {
      rmSync(directory, { recursive: true });
      mkdirSync(directory);
      expect(findings(peers, [first])).toEqual([
        { kind: 'replaced', what: directory },
        { kind: 'missing', block: first },
      ]);
    }
  });

  test('is noticed during an inspection', () => {
    const { peers, directory } = imposed(site());
    const known = { has: () => false, get: () => first, values: () => [first, second] };
    const found: unknown[] = [];
    for (const each of peers.inspect(known, 'all')) {
      if (found.length === 0) {
        rmSync(directory, { recursive: true });
        mkdirSync(directory);
      }
      found.push(each?.kind);
    }
    expect(found).toContain('replaced');
    expect(found).not.toContain('removed');
  });

  test('is a Fault while it is gone, and nothing is lifted when it is back', () => {
    const { peers, directory } = imposed(site());
    renameSync(directory, `${directory}.old`);
    expect(() => findings(peers, [first])).toThrow(
      expect.objectContaining({ name: 'Fault', code: 'enforcer' }),
    );
    renameSync(`${directory}.old`, directory);
    expect(findings(peers, [first, second])).toEqual([]);
  });
});

describe.each([
  ['root', false],
  ['an ordinary user', true],
])('%s finds in a file without a block', (who, isOrdinary) => {
  function made(options: Parameters<typeof site>[0] = {}) {
    const result = site(options);
    if (isOrdinary) becomeNobody(result.directory, join(result.directory, '..'));
    return result;
  }

  test.each([
    ['silent', undefined],
    ['polite', 'Slow down'],
  ])(
    'the block, and the %s file is the same afterwards',
    unless(isOrdinary ? undefined : notRoot),
    (_, polite) => {
      const { directory, start, file } = imposed(
        made({ timeoutSeconds: 90, ...(polite && { polite }) }),
      );
      const before = ['192.0.2.1', '198.51.100'].map((name) => traits(file(name)));
      const found = findings(start(), [], 'orphans');
      expect(found).toHaveLength(2);
      expect(found).toContainEqual({ kind: 'orphan', block: first });
      expect(found).toContainEqual({ kind: 'orphan', block: second });
      expect(['192.0.2.1', '198.51.100'].map((name) => traits(file(name)))).toEqual(before);
      expect(readdirSync(directory).sort()).toEqual(['192.0.2.1', '198.51.100']);
    },
  );

  test(
    `nothing where the admin wrote it (${who})`,
    unless(isOrdinary ? undefined : notRoot),
    () => {
      const { directory, peers, start, file } = made();
      const text = peerFileText(first);
      const long = 'a note of the admin '.repeat(10);
      const end = first.untilMs / 1000;
      for (const [name, words, mode, seconds] of [
        ['192.0.2.1', text, 0o600, end],
        ['192.0.2.2', text, 0o200, end],
        ['192.0.2.3', long, 0o200, end],
        ['192.0.2.4', '', 0o200, end],
        ['192.0.2.5', text.replace('2.1', '2.5'), 0o200, end + 5],
        ['192.0.2.6', `\n${text.replace('2.1', '2.6')}`, 0o200, end],
        ['192.0.2', text, 0o200, end],
        ['example.org', text, 0o200, end],
      ] as const) {
        writeFileSync(file(name), words, { mode });
        utimesSync(file(name), 5, seconds);
      }
      const names = readdirSync(directory);
      const before = names.map((name) => traits(file(name)));
      expect(findings(peers, [])).toEqual([]);
      expect(names.map((name) => traits(file(name)))).toEqual(before);
      const changes = () => names.map((name) => lstatSync(file(name)).ctimeMs);
      const read = changes();
      expect(findings(peers, [])).toEqual([]);
      expect(changes(), 'nobody reads a file twice').toEqual(read);
      expect(findings(start(), [])).toEqual([]);
      expect(readdirSync(directory)).toEqual(names);
    },
  );
});

test('in a directory that cannot be searched the owner of an entry is unknown', () => {
  const { peers, directory } = imposed(site());
  becomeNobody(dirname(directory), directory);
  chmodSync(directory, 0);
  onTestFinished(() => chmodSync(directory, 0o700));
  expect(peers.entryOwner(first.address, first)).toBe('unknown');
});

test(
  "somebody else's file is not ours whatever it says, and is not touched",
  unless(notRoot),
  () => {
    const { start, file } = imposed(site());
    chownSync(file('192.0.2.1'), nobody, nobody);
    writeFileSync(file('192.0.2.3'), '');
    chownSync(file('192.0.2.3'), nobody, nobody);
    chmodSync(file('192.0.2.3'), 0o1200);
    const before = lstatSync(file('192.0.2.1'), { bigint: true });
    expect(findings(start(), [second])).toEqual([]);
    expect(lstatSync(file('192.0.2.1'), { bigint: true })).toEqual(before);
    expect(existsSync(file('192.0.2.3'))).toBe(true);
  },
);

test('a file that has become a link meanwhile is not read', () => {
  const { directory, file } = imposed(site());
  const stats = lstatSync(file('192.0.2.1'));
  writeFileSync(`${directory}.secret`, 'secret');
  unlinkSync(file('192.0.2.1'));
  symlinkSync(`${directory}.secret`, file('192.0.2.1'));
  expect(readPeerFile(directory, '192.0.2.1', stats)).toBeUndefined();
});

describe('a process that died while it read a file', () => {
  const aside = '..192.0.2.1.aside.ipthrottle';

  test('before the name had another file: the file stays', () => {
    const { directory, start, file } = imposed(site());
    const before = traits(file('192.0.2.1'));
    linkSync(file('192.0.2.1'), file(aside));
    start().reconcile([first, second]);
    expect(traits(file('192.0.2.1'))).toEqual(before);
    expect(readdirSync(directory).sort()).toEqual(['192.0.2.1', '198.51.100']);
  });

  test.each(['orphans', 'all'] as const)('after it: it gets its name back (%s)', (scope) => {
    const { directory, start, file } = imposed(site());
    const before = traits(file('192.0.2.1'));
    renameSync(file('192.0.2.1'), file(aside));
    chmodSync(file(aside), 0o600);
    writeFileSync(file('192.0.2.1'), '', { mode: 0o200 });
    utimesSync(file('192.0.2.1'), 5, before.mtimeMs / 1000);
    const again = start();
    const found = [...findings(again, [second], scope), ...findings(again, [second], scope)];
    expect(found).toContainEqual({ kind: 'orphan', block: first });
    expect(traits(file('192.0.2.1'))).toEqual(before);
    expect(readdirSync(directory).sort()).toEqual(['192.0.2.1', '198.51.100']);
  });

  test('and whose file the admin removed or replaced since: his will is done', () => {
    const { directory, start, file } = imposed(site());
    renameSync(file('192.0.2.1'), file(aside));
    start().reconcile([]);
    expect(readdirSync(directory)).toEqual(['198.51.100']);
    linkSync(file('198.51.100'), file('..192.0.2.1.aside.ipthrottle'));
    writeFileSync(file('192.0.2.1'), 'mine', { mode: 0o444 });
    start().reconcile([]);
    expect(readFileSync(file('192.0.2.1'), 'utf8')).toBe('mine');
    expect(readdirSync(directory).sort()).toEqual(['192.0.2.1', '198.51.100']);
  });
});
