/**
 * compileCdb against the bytes of the real ipsvd-cdb. It writes its records in the order in which
 * the directory lists its names, which is why the test reads the directory unsorted, too.
 */
import { mkdirSync, opendirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { type CdbRecord, compileCdb } from '../../src/enforcers/cdb.ts';
import { latin1 } from '../../src/enforcers/tcprules.ts';
import { inNewDirectory, missing, runIpsvdCdb } from './real-tools.ts';

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
    expect(Buffer.compare(compileCdb(records), real)).toBe(0);
  });
}

test.skipIf(skipped)('an empty directory gives the bytes of the real ipsvd-cdb', () => {
  expectSameBytes(new Map());
});

test.skipIf(skipped)('files of every kind give the bytes of the real ipsvd-cdb', () => {
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

test.skipIf(skipped)('5 000 blocks give the bytes of the real ipsvd-cdb', () => {
  const names = Array.from({ length: 5000 }, (_, i) => `10.9.${i >> 8}.${i & 255}`);
  expectSameBytes(new Map(names.map((name) => [name, 'deny'])));
});

test.skipIf(skipped)('random directories give the bytes of the real ipsvd-cdb', () => {
  const octet = fc.integer({ min: 0, max: 255 });
  const name = fc.array(octet, { minLength: 1, maxLength: 4 }).map((octets) => octets.join('.'));
  const kind = fc.constantFrom(...(Object.keys(kinds) as Kind[]));
  const files = fc.array(fc.tuple(name, kind), { maxLength: 60 });
  fc.assert(
    fc.property(files, (entries) => expectSameBytes(new Map(entries))),
    { numRuns: 40 },
  );
});
