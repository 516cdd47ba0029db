/**
 * The real programs the ratecheck tests run: ratecheck as build.sh makes it, and small C fixtures.
 * Compiled ones land in the directory the caller gives; nothing is written beside the sources.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

export const buildScript = join(root, 'src/ratecheck/build.sh');
export const ratecheckSource = join(root, 'src/ratecheck/ratecheck.c');

export type Outcome = {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
};

export type Surroundings = { env?: Record<string, string>; input?: string };

/** Builds bin/ratecheck when its source is newer, and returns its path. */
export function builtRatecheck(): string {
  execFileSync('sh', [buildScript], { stdio: ['ignore', 'ignore', 'pipe'] });
  return join(root, 'bin/ratecheck');
}

/**
 * Puts a `ratecheck` into `directory` that waits a minute for the daemon: for scripts that call it
 * with its default deadline, which a slow machine may exceed.
 */
export function patientRatecheck(directory: string): void {
  const script = `#!/bin/sh\nexec '${builtRatecheck()}' -t 60000 "$@"\n`;
  writeFileSync(join(directory, 'ratecheck'), script, { mode: 0o755 });
}

/** Compiles `test/ratecheck/fixtures/<name>.c` into `directory` and returns the program's path. */
export function compiledFixture(
  name: 'datagrams' | 'odd-start' | 'received',
  directory: string,
): string {
  const source = fileURLToPath(new URL(`fixtures/${name}.c`, import.meta.url));
  const program = join(directory, name);
  execFileSync('cc', ['-Wall', '-Wextra', '-Werror', '-o', program, source]);
  return program;
}

/** A fresh directory, short enough to hold a Unix socket, and how to remove it. */
export function newDirectory(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'ratecheck-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Runs a command to its end. The environment is `env` and a PATH, nothing else. */
export function run(command: readonly string[], around: Surroundings = {}): Promise<Outcome> {
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: { PATH: '/usr/bin:/bin', ...around.env } });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
    child.stderr.on('data', (bytes: Buffer) => err.push(bytes));
    // The program may be gone before it has read what we send.
    child.stdin.on('error', () => undefined);
    child.stdin.end(around.input ?? '');
    child.on('error', reject);
    child.on('close', (status, signal) => {
      const stdout = Buffer.concat(out).toString('latin1');
      resolve({ status, signal, stdout, stderr: Buffer.concat(err).toString('latin1') });
    });
  });
}
