/**
 * Programs of Debian packages that a machine is better without, because they start services or take
 * another's place: downloaded with what they need, and unpacked in a directory, never installed.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { missing } from './unless.ts';

const timeoutMs = 120_000;

export type DebianPackages = {
  /** Why they cannot be had, for `unless`. */
  readonly reason: string | undefined;
  /** The root below which their files are, until the tests of this file have ended. */
  readonly root: string;
  /** Where their programs for users are. */
  readonly bin: string;
  /** Lets their programs find their libraries. */
  readonly environment: Readonly<Record<string, string>>;
};

/** All of them or none; they may be such as cannot be installed beside each other. */
export function debianPackages(...names: string[]): DebianPackages {
  const root = mkdtempSync(join(tmpdir(), 'ipthrottle-test-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  const reason = missing('apt-get', 'dpkg') ?? failureOf(names, root);
  const libraries = reason === undefined ? libraryFolders(root).join(':') : '';
  return {
    reason,
    root,
    bin: join(root, 'usr/bin'),
    environment: { LD_LIBRARY_PATH: libraries },
  };
}

function failureOf(names: readonly string[], root: string): string | undefined {
  const failed = names.find((name) => !unpack(name, root));
  return failed && `cannot be downloaded from Debian: ${failed}`;
}

/** With the packages that it depends on and the machine has not. Says whether that worked. */
function unpack(name: string, root: string): boolean {
  const archives = join(root, 'archives', name);
  mkdirSync(join(archives, 'partial'), { recursive: true });
  // Nothing is installed, so apt's lock, which another test may hold, protects nothing.
  const options = ['-o', 'Debug::NoLocking=1', '-o', `Dir::Cache::archives=${archives}`];
  const flags = ['-y', '--no-install-recommends', '--reinstall', '--download-only'];
  if (!succeeds('apt-get', ['install', ...flags, ...options, name])) return false;
  const files = readdirSync(archives).filter((file) => file.endsWith('.deb'));
  const hasCome = files.some((file) => file.startsWith(`${name}_`));
  return hasCome && files.every((file) => succeeds('dpkg', ['-x', join(archives, file), root]));
}

function succeeds(command: string, args: readonly string[]): boolean {
  const options = { stdio: 'ignore', timeout: timeoutMs } as const;
  return spawnSync(command, args, options).status === 0;
}

/** Such as usr/lib/x86_64-linux-gnu. */
function libraryFolders(root: string): string[] {
  return ['usr/lib', 'lib'].flatMap((folder) => {
    try {
      const names = readdirSync(join(root, folder)).filter((name) => name.includes('-linux-'));
      return names.map((name) => join(root, folder, name));
    } catch {
      return [];
    }
  });
}
