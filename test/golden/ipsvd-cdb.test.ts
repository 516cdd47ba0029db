/**
 * compileCdb and compilePeers against the bytes of the real ipsvd-cdb. It writes its records in the
 * order in which the directory lists its names, which is why the test reads the directory unsorted.
 *
 * Tests: src/enforcers/peers/compile-peers.ts
 */

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, opendirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { type CdbRecord, compileCdb, latin1 } from '../../src/enforcers/cdb/cdb.ts';
import { compilePeers } from '../../src/enforcers/peers/compile-peers.ts';
import { doNow } from '../../src/runtime/work.ts';
import { missing, unless } from '../run/unless.ts';
import { inNewDirectory, runIpsvdCdb } from './real-tools.ts';

type PeerFile = { readonly mode: number; readonly text: string; readonly data: string };

/** What a file says, and what ipsvd-cdb makes of it: without the last newline. */
const kinds = {
  deny: { mode: 0o200, text: '', data: 'D' },
  allow: { mode: 0o444, text: '', data: 'I' },
  environment: { mode: 0o444, text: '+FOO=bar\n+BAZ=q\n', data: '+FOO=bar\0+BAZ=qI' },
  command: { mode: 0o555, text: 'exec cat', data: 'exec catX' },
} as const satisfies Record<string, PeerFile>;

type Kind = keyof typeof kinds;

const skipped = missing('ipsvd-cdb');

vi.setConfig({ testTimeout: 60_000 });

/** Names in the order of the directory; names that start with two dots are not compiled. */
function compiledNames(directory: string): string[] {
  const names: string[] = [];
  const open = opendirSync(directory);
  for (let entry = open.readSync(); entry; entry = open.readSync()) {
    if (!entry.name.startsWith('..')) names.push(entry.name);
  }
  open.closeSync();
  return names;
}

function expectSameBytes(files: ReadonlyMap<string, Kind>): void {
  inNewDirectory((parent) => {
    const directory = join(parent, 'peers');
    mkdirSync(directory);
    for (const [name, kind] of files) {
      writeFileSync(join(directory, name), kinds[kind].text, { mode: kinds[kind].mode });
    }
    writeFileSync(join(directory, '..half.1.tmp'), 'skipped');
    const real = runIpsvdCdb(directory);
    const records = compiledNames(directory).map((name): CdbRecord => {
      return [latin1(name), latin1(kinds[files.get(name) ?? 'deny'].data)];
    });
    expect(records.length).toBe(files.size);
    expect(Buffer.compare(doNow(compileCdb(records)), real)).toBe(0);
    expect(Buffer.compare(doNow(compilePeers(directory)), real)).toBe(0);
  });
}

test('an empty directory gives the bytes of the real ipsvd-cdb', unless(skipped), () => {
  expectSameBytes(new Map());
});

test('files of every kind give the bytes of the real ipsvd-cdb', unless(skipped), () => {
  expectSameBytes(
    new Map<string, Kind>([
      ['1.2.3.4', 'deny'],
      ['10', 'environment'],
      ['127.0.0.1', 'allow'],
      ['192.0.2', 'command'],
      ['0', 'deny'],
    ]),
  );
});

test('5 000 blocks give the bytes of the real ipsvd-cdb', unless(skipped), () => {
  const names = Array.from({ length: 5000 }, (_, i) => `10.9.${i >> 8}.${i & 255}`);
  expectSameBytes(new Map(names.map((name) => [name, 'deny'])));
});

test('random directories give the bytes of the real ipsvd-cdb', unless(skipped), () => {
  const octet = fc.integer({ min: 0, max: 255 });
  const name = fc.array(octet, { minLength: 1, maxLength: 4 }).map((octets) => octets.join('.'));
  const kind = fc.constantFrom(...(Object.keys(kinds) as Kind[]));
  const files = fc.array(fc.tuple(name, kind), { maxLength: 60 });
  fc.assert(
    fc.property(files, (entries) => expectSameBytes(new Map(entries))),
    { numRuns: 40 },
  );
});

/** Files that ipsvd-cdb takes: name, mode, content as Latin-1. */
const odd: readonly (readonly [name: string, mode: number, text: string])[] = [
  ['1', 0o444, ''],
  ['2', 0o444, '\n'],
  ['3', 0o444, '# c\n\n+A=b\n#x\n'],
  ['4', 0o444, '+A=b'],
  ['5', 0o444, '+A=b\n\n\n'],
  ['6', 0o444, 'C5:busy\\r\\n\n'],
  ['7', 0o444, '=host\n=other:0\n'],
  ['8', 0o444, 'bogus line\n+X\n'],
  ['9', 0o444, 'a\0b\n+C=1\n\0'],
  ['10', 0o555, 'echo hi\n'],
  ['11', 0o555, 'echo hi\n\n'],
  ['12', 0o755, 'echo hi'],
  ['13', 0o555, ''],
  ['14', 0o100, 'x\0y\n'],
  ['15', 0o400, '+A=1\r\n  +B=2\n'],
  ['16', 0o044, 'never read'],
  ['17', 0o055, 'never read'],
  ['18', 0o444, 'caf\u00e9\n'],
  ['caf\u00e9.example', 0o444, '+E=1\n'],
  ['mail.example.org', 0o444, '+A=1\n'],
  ['1.2.3.4~', 0o444, '+A=1\n'],
  ['19', 0o444, `+A=${'x'.repeat(70_000)}\n`],
  ['...', 0o444, '+DOTS=1\n'],
  ['..y', 0o200, ''],
];

function makeFiles(
  directory: string,
  files: readonly (readonly [name: string, mode: number, text: string])[],
): void {
  mkdirSync(directory);
  for (const [name, mode, text] of files) {
    const path = Buffer.concat([Buffer.from(`${directory}/`), latin1(name)]);
    writeFileSync(path, latin1(text));
    chmodSync(path, mode);
  }
}

function expectPeersCompile(
  files: readonly (readonly [name: string, mode: number, text: string])[],
  more: (directory: string) => void = () => {},
): void {
  inNewDirectory((parent) => {
    const directory = join(parent, 'peers');
    makeFiles(directory, files);
    more(directory);
    expect(Buffer.compare(doNow(compilePeers(directory)), runIpsvdCdb(directory))).toBe(0);
  });
}

// Only root can read files without permission to read, such as 14.
const readable = process.getuid?.() === 0 ? odd : odd.filter(([, mode]) => mode !== 0o100);

test('odd files compile to the bytes of the real ipsvd-cdb', unless(skipped), () => {
  expectPeersCompile(readable);
});

test.each([
  ['is missing', []],
  ['denies', [['0', 0o200, '']]],
  ['instructs', [['0', 0o444, '+ZERO=1\n']]],
  ['is a command', [['0', 0o555, 'exec cat\n']]],
] as const)(
  'names with a dot in front compile as ipsvd-cdb does when 0 %s',
  unless(skipped),
  (_, zero) => {
    expectPeersCompile(
      [...zero, ['.hidden', 0o444, '+H=1\n'], ['.deny', 0o200, ''], ['.x', 0o555, 'exit\n']],
      (directory) => symlinkSync('nowhere', join(directory, '.dangling')),
    );
  },
);

test('links, pipes and closed directories compile as ipsvd-cdb does', unless(skipped), () => {
  expectPeersCompile([['1', 0o444, '+A=b\n']], (directory) => {
    symlinkSync('1', join(directory, '2'));
    symlinkSync('nowhere', join(directory, '3'));
    mkdirSync(join(directory, '4'), { mode: 0 });
    spawnSync('mkfifo', ['-m', '0444', join(directory, '5')]);
    spawnSync('mkfifo', ['-m', '0200', join(directory, '6')]);
  });
});

test('an entry at which ipsvd-cdb fails is a Fault that names it', unless(skipped), () => {
  inNewDirectory((parent) => {
    const directory = join(parent, 'peers');
    makeFiles(directory, []);
    mkdirSync(join(directory, 'sub'));
    expect(() => runIpsvdCdb(directory)).toThrow('sub');
    expect(() => doNow(compilePeers(directory))).toThrow(`cannot compile ${directory}/sub: `);
    expect(() => doNow(compilePeers(join(parent, 'none')))).toThrow('ENOENT');
  });
});
