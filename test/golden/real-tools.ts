/**
 * The real programs that our bytes are compared with, each call in a directory of its own.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Runs `body` with the path of a new directory and removes it. */
export function inNewDirectory<T>(body: (directory: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), 'ipthrottle-'));
  try {
    return body(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

export type Compiled =
  | { readonly bytes: Uint8Array; readonly refuses?: never }
  /** The line that tcprules could not parse. */
  | { readonly bytes?: never; readonly refuses: string };

export function runTcprules(source: Uint8Array | string): Compiled {
  return inNewDirectory((directory) => {
    const cdb = join(directory, 'cdb');
    const { status, stderr } = spawnSync('tcprules', [cdb, join(directory, 'tmp')], {
      input: source,
      encoding: 'latin1',
    });
    if (status === 0) return { bytes: readFileSync(cdb) };
    const line = /unable to parse this line: (.*)\n$/s.exec(stderr)?.[1];
    if (line === undefined) throw new Error(`tcprules: exit ${status}: ${stderr}`);
    return { refuses: line };
  });
}

export function runIpsvdCdb(instructions: string): Uint8Array {
  return inNewDirectory((directory) => {
    const cdb = join(directory, 'cdb');
    const { status, stderr } = spawnSync('ipsvd-cdb', [cdb, join(directory, 'tmp'), instructions]);
    if (status !== 0) throw new Error(`ipsvd-cdb: exit ${status}: ${stderr}`);
    return readFileSync(cdb);
  });
}

/** What tcpserver would do with this address: tcprulescheck's own words. */
export function runTcprulescheck(cdb: string, address: string): string {
  const env = { PATH: process.env.PATH ?? '', TCPREMOTEIP: address };
  const { status, stdout, stderr } = spawnSync('tcprulescheck', [cdb], { env, encoding: 'latin1' });
  if (status !== 0 && status !== 100) throw new Error(`tcprulescheck: exit ${status}: ${stderr}`);
  return stdout;
}
