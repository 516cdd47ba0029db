import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import {
  removeLeftovers,
  replaceFile as replacing,
  temporaryName,
} from '../../src/files/replace-file.ts';
import { Fault } from '../../src/runtime/errors.ts';
import { doNow } from '../../src/runtime/work.ts';
import { inNewDirectory } from '../golden/real-tools.ts';
import { notRoot, unless } from '../run/unless.ts';

vi.mock('node:fs', { spy: true });

const text = (string: string): Uint8Array => Buffer.from(string);

function replaceFile(...args: Parameters<typeof replacing>): string {
  return doNow(replacing(...args));
}

function faultOf(work: () => void): Fault {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return error;
  }
  throw new Error('no Fault');
}

function modeOf(path: string): number {
  return fs.statSync(path).mode & 0o7777;
}

beforeEach(() => {
  vi.clearAllMocks();
});

describe('replaceFile', () => {
  test('creates a file with the bytes and the mode, whatever the umask', () => {
    inNewDirectory((directory) => {
      const path = join(directory, 'cdb');
      const before = process.umask(0o077);
      try {
        replaceFile(path, text('new'), 0o664);
      } finally {
        process.umask(before);
      }
      expect(fs.readFileSync(path, 'utf8')).toBe('new');
      expect(modeOf(path)).toBe(0o664);
      expect(fs.readdirSync(directory)).toEqual(['cdb']);
    });
  });

  test('replaces the file by a new one of the given mode; a process that has it open keeps the old', () => {
    inNewDirectory((directory) => {
      const path = join(directory, 'cdb');
      replaceFile(path, text('old'), 0o644);
      const open = fs.openSync(path, 'r');
      replaceFile(path, text('newer'), 0o200);
      expect(fs.readFileSync(open, 'utf8')).toBe('old');
      fs.closeSync(open);
      expect(fs.readFileSync(path, 'utf8')).toBe('newer');
      expect(modeOf(path)).toBe(0o200);
    });
  });

  test('keeps the owner and the group', unless(notRoot), () => {
    inNewDirectory((directory) => {
      const path = join(directory, 'cdb');
      replaceFile(path, text('old'), 0o640);
      fs.chownSync(path, 1234, 5678);
      replaceFile(path, text('new'), 0o640);
      expect(fs.statSync(path)).toMatchObject({ uid: 1234, gid: 5678 });
      expect(modeOf(path)).toBe(0o640);
    });
  });

  test('syncs the file before the rename and the directory after it', () => {
    inNewDirectory((directory) => {
      replaceFile(join(directory, 'cdb'), text('new'), 0o644);
      const { writeFileSync, fchmodSync, fsyncSync, renameSync } = fs;
      const calls = { writeFileSync, fchmodSync, fsyncSync, renameSync };
      const names = Object.entries(calls)
        .flatMap(([name, call]) => {
          return vi
            .mocked<(...args: never[]) => unknown>(call)
            .mock.invocationCallOrder.map((when) => ({ when, name }));
        })
        .sort((a, b) => a.when - b.when)
        .map(({ name }) => name);
      expect(names).toEqual([
        'writeFileSync',
        'fchmodSync',
        'fsyncSync',
        'renameSync',
        'fsyncSync',
      ]);
    });
  });

  test('creates the temporary file closed to others, and never opens an existing one', () => {
    inNewDirectory((directory) => {
      const path = join(directory, 'cdb');
      replaceFile(path, text('new'), 0o666);
      expect(vi.mocked(fs.openSync).mock.calls[0]).toEqual([temporaryName(path), 'wx', 0o600]);
      expect(temporaryName(path)).toBe(join(directory, `..cdb.${process.pid}.tmp`));
    });
  });

  test('gets over a temporary file of a dead process that had our number', () => {
    inNewDirectory((directory) => {
      const path = join(directory, 'cdb');
      fs.writeFileSync(temporaryName(path), 'half', { mode: 0o777 });
      replaceFile(path, text('new'), 0o644);
      expect(fs.readFileSync(path, 'utf8')).toBe('new');
      expect(fs.readdirSync(directory)).toEqual(['cdb']);
    });
  });

  test.for([
    ['fsync', () => vi.mocked(fs.fsyncSync)],
    ['write', () => vi.mocked(fs.writeFileSync)],
    ['fchmod', () => vi.mocked(fs.fchmodSync)],
    ['rename', () => vi.mocked(fs.renameSync)],
  ] as const)('when %s fails, the old file stays and the temporary one goes', ([, mocked]) => {
    inNewDirectory((directory) => {
      const path = join(directory, 'cdb');
      replaceFile(path, text('old'), 0o644);
      const broken = Object.assign(new Error('EIO: broken'), { code: 'EIO' });
      mocked().mockImplementationOnce(() => {
        throw broken;
      });
      const fault = faultOf(() => replaceFile(path, text('new'), 0o600));
      expect(fault).toMatchObject({ code: 'enforcer', cause: broken });
      expect(fault.detail).toBe(`cannot replace ${path}: EIO: broken`);
      expect(fs.readFileSync(path, 'utf8')).toBe('old');
      expect(modeOf(path)).toBe(0o644);
      expect(fs.readdirSync(directory)).toEqual(['cdb']);
    });
  });

  test.for([
    ['a parent that is a file', '/dev/null/cdb', 'ENOTDIR'],
    ['a parent that is missing', '/nonexistent/cdb', 'ENOENT'],
    ['a parent that takes no files', '/proc/cdb', 'ENOENT'],
  ] as const)('%s is a Fault', ([, path, errno]) => {
    const fault = faultOf(() => replaceFile(path, text('new'), 0o644));
    expect(fault.code).toBe('enforcer');
    expect(fault.detail).toContain(errno);
  });

  test('a directory in place of the file is a Fault and stays', () => {
    inNewDirectory((directory) => {
      const path = join(directory, 'cdb');
      fs.mkdirSync(path);
      expect(faultOf(() => replaceFile(path, text('new'), 0o644)).detail).toContain(path);
      expect(fs.readdirSync(directory)).toEqual(['cdb']);
    });
  });

  test('a reader never sees a mixture, a gap or the wrong mode', async () => {
    const directory = fs.mkdtempSync('/tmp/ipthrottle-');
    const path = join(directory, 'cdb');
    const bytesOf = (letter: string) => Buffer.alloc(100_000, letter);
    replaceFile(path, bytesOf('a'), 0o640);
    const reader = spawn(process.execPath, ['-e', readerProgram, path], { stdio: 'pipe' });
    let seen = '';
    reader.stdout.on('data', (chunk) => {
      seen += chunk;
    });
    await vi.waitFor(() => expect(seen).toContain('reading'), { timeout: 60_000 });
    for (let round = 0; round < 300; round++) {
      replaceFile(path, bytesOf(round % 2 ? 'a' : 'b'), 0o640);
    }
    const closed = new Promise((resolve) => reader.once('close', resolve));
    reader.stdin.end();
    await closed;
    fs.rmSync(directory, { recursive: true });
    expect(seen).toBe('reading\ndone\n');
  });
});

/** Reads until its stdin ends, and prints what is wrong. */
const readerProgram = `
  const fs = require('node:fs');
  let reading = true;
  process.stdin.on('end', () => { reading = false; }).resume();
  console.log('reading');
  (function read() {
    for (let i = 0; i < 20; i++) {
      try {
        const fd = fs.openSync(process.argv[1], 'r');
        const mode = fs.fstatSync(fd).mode & 0o7777;
        const bytes = fs.readFileSync(fd);
        fs.closeSync(fd);
        if (mode !== 0o640) console.log('mode', mode);
        if (!bytes.equals(Buffer.alloc(100000, bytes[0]))) console.log('mixture');
      } catch (error) { console.log(String(error)); }
    }
    if (reading) setImmediate(read); else console.log('done');
  })();
`;

describe('removeLeftovers', () => {
  test('removes what dead processes left, and nothing else', () => {
    inNewDirectory((directory) => {
      const dead = spawnSync('true').pid;
      const stay = [
        'cdb',
        `..cdb.${process.pid}.tmp`,
        `..other.${dead}.tmp`,
        '..cdb.0.tmp',
        '..cdb.backup.tmp',
        `.cdb.${dead}.tmp`,
        `..cdb.${dead}.tmp.old`,
      ];
      const go = [`..cdb.${dead}.tmp`, `..cdb.compiled.${dead}.tmp`];
      for (const name of [...stay, ...go]) fs.writeFileSync(join(directory, name), '');
      removeLeftovers(join(directory, 'cdb'));
      expect(fs.readdirSync(directory).sort()).toEqual(stay.sort());
    });
  });

  test('does nothing where there is no directory', () => {
    removeLeftovers('/nonexistent/cdb');
  });
});
