/** Our programs as they are installed, copied to where a test may break them. */
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the project. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** In the copy, from its root: the native part of the database's driver. */
export const nativeDriver = 'node_modules/better-sqlite3/build/Release/better_sqlite3.node';

/** What the programs consist of, from the root of the project. */
const parts = [
  'package.json',
  'bin',
  'dist',
  'node_modules/bindings',
  'node_modules/file-uri-to-path',
  'node_modules/better-sqlite3/package.json',
  'node_modules/better-sqlite3/lib',
  nativeDriver,
];

export function copyPrograms(directory: string): void {
  for (const part of parts) {
    cpSync(join(root, part), join(directory, part), { recursive: true, dereference: true });
  }
}

/** Breaks the driver of a copy; `other Node` needs cc. */
export function replaceDriver(
  directory: string,
  how: 'other Node' | 'no library' | 'missing' | 'half written',
): void {
  const path = join(directory, nativeDriver);
  rmSync(path, { force: true });
  if (how === 'other Node') {
    const source = join(root, 'test/system/fixtures/other-node.c');
    const strict = ['-Wall', '-Wextra', '-Werror'];
    execFileSync('cc', [...strict, '-shared', '-fPIC', '-o', path, source]);
  } else if (how === 'no library') {
    writeFileSync(path, 'This is no library. '.repeat(50));
  } else if (how === 'half written') {
    writeFileSync(path, readFileSync(join(root, nativeDriver)).subarray(0, 40));
  }
}
