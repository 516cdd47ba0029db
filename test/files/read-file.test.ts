import { execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readFile, reading } from '../../src/files/read-file.ts';
import { temporaryDirectory } from '../run/temporary-directory.ts';

/** After so many seconds a writer opens and closes the pipe: a reader that waits is released. */
const writerSeconds = 3;

/** A pipe that nobody writes to. */
function pipe(): string {
  const path = join(temporaryDirectory(), 'pipe');
  execFileSync('mkfifo', [path]);
  const script = `sleep ${writerSeconds}; : >"$1"`;
  const writer = spawn('sh', ['-c', script, 'sh', path], { detached: true, stdio: 'ignore' });
  onTestFinished(() => {
    process.kill(-(writer.pid ?? 0));
  });
  return path;
}

describe.each([
  { name: 'readFile', read: async (path: string) => readFile(path) },
  {
    name: 'reading, later',
    read: (path: string) => reading(path).later(new AbortController().signal),
  },
])('$name', ({ read }) => {
  test('gives all bytes of a file', async () => {
    const path = join(temporaryDirectory(), 'file');
    const bytes = Buffer.alloc(200_000, 'a\0\xff', 'latin1');
    writeFileSync(path, bytes);
    expect((await read(path)).equals(bytes)).toBe(true);
  });

  test('reads a pipe as empty without waiting for a writer', async () => {
    const path = pipe();
    const startMs = performance.now();
    expect(await read(path)).toHaveLength(0);
    expect(performance.now() - startMs).toBeLessThan(writerSeconds * 1000 - 500);
  });

  test('throws the error of the system', async () => {
    const path = join(temporaryDirectory(), 'none');
    await expect(read(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
