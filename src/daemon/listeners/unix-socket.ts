/**
 * Listens on a Unix socket that is closed to everybody until it has its mode and group.
 *
 * The caller holds the instance lock, so a socket that nobody listens on is a dead daemon's and is
 * removed. A socket in use, or anything else of that name, is left alone; no link is followed.
 */
import { spawnSync } from 'node:child_process';
import { lstatSync, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { changeMode } from '../../files/change-mode.ts';
import { birthAt } from '../../files/file-identity.ts';
import { errnoOf, Fault, reasonOf } from '../../runtime/errors.ts';

/** What listens, be it a server of node:net or ours. */
export interface UnixListener {
  /** Resolves when clients can connect; makes the socket before it returns. @throws a system error */
  listen(path: string, backlog: number): Promise<void>;
  /** Accepts no more clients, and removes the socket; those that are connected stay. */
  close(): void;
}

/** A server of node:net that listens on a Unix socket; `onError` hears of its errors from then on. */
export function nodeListener(server: Server, onError: (error: Error) => void): UnixListener {
  return {
    listen(path, backlog) {
      return new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen({ path, backlog }, () => {
          server.off('error', reject).on('error', onError);
          resolve();
        });
      });
    },
    close: () => void server.close(),
  };
}

export type UnixSocketOptions = {
  readonly path: string;
  readonly mode: number;
  /** Name or number of the group that the socket is given to. */
  readonly group: string | undefined;
  /** How many clients may wait to be accepted. */
  readonly backlog: number;
  /** Whether certainly nobody listens on a socket of its kind. */
  readonly isDead?: ((path: string) => boolean | Promise<boolean>) | undefined;
};

/** Changes when another file gets the name; undefined when there is no file. */
export function socketIdentity(path: string): string | undefined {
  return birthAt(path, lstatSync);
}

function nobodyListens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.on('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.on('error', (error) => resolve(errnoOf(error) === 'ECONNREFUSED'));
  });
}

/** Removes a dead daemon's socket. @throws Fault `listen` when something else has the name */
export async function removeStale(
  path: string,
  isDead: UnixSocketOptions['isDead'] = nobodyListens,
): Promise<void> {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (!stats) return;
  if (!stats.isSocket()) throw new Fault('listen', `${path} is there and is not a socket`);
  const seen = socketIdentity(path);
  if (!(await isDead(path)) || socketIdentity(path) !== seen) {
    throw new Fault('listen', `${path} is there and is somebody else's`);
  }
  unlinkSync(path);
}

function bind(listener: UnixListener, path: string, backlog: number): Promise<void> {
  const umask = process.umask(0o777);
  try {
    return listener.listen(path, backlog);
  } finally {
    process.umask(umask);
  }
}

/** By chgrp, because Node cannot look up the names of groups. @throws Error */
function giveTo(group: string, path: string): void {
  const { error, status, stderr } = spawnSync('chgrp', ['-h', '--', group, path], {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  if (error) throw error;
  if (status === 0) return;
  throw new Error(`group ${group}: ${stderr.trim().replaceAll('\n', ' ') || 'chgrp failed'}`);
}

/** Resolves when clients can connect; on failure the listener is closed. @throws Fault `listen` */
export async function listenOnUnixSocket(listener: UnixListener, options: UnixSocketOptions) {
  const { path, mode, group, backlog, isDead } = options;
  try {
    await removeStale(path, isDead);
    await bind(listener, path, backlog);
    if (group !== undefined) giveTo(group, path);
    changeMode(path, mode, (stats) => stats.isSocket());
  } catch (error) {
    listener.close();
    if (error instanceof Fault) throw error;
    throw new Fault('listen', `${path}: ${reasonOf(error).trim()}`, error);
  }
}
