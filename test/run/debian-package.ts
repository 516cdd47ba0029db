/** Programs of a Debian package that is not installed here, fetched and unpacked privately. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** Where its programs are until the tests of this file end, or why it cannot be had. */
export type DebianPackage = { readonly bin: string; readonly reason: string | undefined };

export function debianPackage(name: string): DebianPackage {
  const cwd = mkdtempSync(join(tmpdir(), 'ipthrottle-package-'));
  afterAll(() => rmSync(cwd, { recursive: true, force: true }));
  const run = (command: string, ...args: string[]) =>
    spawnSync(command, args, { cwd, timeout: 60_000 }).status === 0;
  const reason = () => {
    if (!run('apt-get', 'download', name)) return `not to be had: ${name}`;
    const file = readdirSync(cwd).find((each) => each.endsWith('.deb')) ?? '';
    return run('dpkg', '-x', file, 'root') ? undefined : `cannot be unpacked: ${name}`;
  };
  return { bin: join(cwd, 'root', 'usr', 'bin'), reason: reason() };
}
