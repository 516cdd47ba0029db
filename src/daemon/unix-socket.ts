/**
 * Listens on a Unix socket with the narrowest mode from its first moment on.
 *
 * The caller holds the instance lock, so a socket file that is there is a dead daemon's and may
 * go. What is not a socket is never removed, and no link is followed.
 */
import { execFileSync } from 'node:child_process';
import { lstatSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:net';
import { changeMode } from '../change-mode.ts';
import { Fault, reasonOf } from '../errors.ts';

export type UnixSocketOptions = {
  readonly path: string;
  readonly mode: number;
  /** Name or number of the group that the socket is given to. */
  readonly group: string | undefined;
};

function removeStale(path: string): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (!stats) return;
  if (!stats.isSocket()) throw new Fault('listen', `${path} is there and is not a socket`);
  unlinkSync(path);
}

function bind(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const umask = process.umask(0o777);
    try {
      server.listen({ path, backlog: 4096 }, () => {
        server.off('error', reject);
        resolve();
      });
    } finally {
      process.umask(umask);
    }
  });
}

/** Resolves when clients can connect. */
export async function listenOnUnixSocket(server: Server, options: UnixSocketOptions) {
  const { path, mode, group } = options;
  try {
    removeStale(path);
    await bind(server, path);
    // Node knows no group names; chgrp asks the system's own directory.
    if (group !== undefined) execFileSync('chgrp', ['-h', '--', group, path], { stdio: 'pipe' });
    changeMode(path, mode, (stats) => stats.isSocket());
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault('listen', `${path}: ${reasonOf(error).trim()}`, error);
  }
}
