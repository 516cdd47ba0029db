/** Sends datagrams, which Node cannot: fixtures/datagrams.c, which says what its options are. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from 'vitest';

const source = fileURLToPath(new URL('fixtures/datagrams.c', import.meta.url));

/** Compiles it for the tests around the call. The client that is returned resolves when it has ended. */
export function compileDatagrams() {
  const directory = mkdtempSync(join(tmpdir(), 'ipthrottle-datagrams-'));
  const program = join(directory, 'datagrams');
  beforeAll(() => {
    execFileSync('cc', ['-Wall', '-Wextra', '-Werror', '-O2', '-o', program, source]);
  });
  afterAll(() => rmSync(directory, { recursive: true }));
  const client = (...args: string[]): Promise<{ exit: number; said: string }> => {
    return new Promise((resolve) => {
      const child = execFile(program, args, { encoding: 'latin1' }, (_error, said) => {
        resolve({ exit: child.exitCode ?? -1, said });
      });
    });
  };
  return Object.assign(client, { program });
}
