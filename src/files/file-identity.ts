/** What tells that a file is another one than it was: it was written or replaced since. */
import { type BigIntStats, type StatSyncFn, statSync } from 'node:fs';

/** The same for as long as a file lives, whatever is written in it; an inode can be used again. */
export function birthOf({ dev, ino, birthtimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${birthtimeNs}`;
}

/** That of the file at `path`; undefined: there is none. Throws other errors of the file system. */
export function birthAt(path: string, stat: StatSyncFn = statSync): string | undefined {
  const stats = stat(path, { bigint: true, throwIfNoEntry: false });
  return stats && birthOf(stats);
}

/** The same, but undefined also where it may not be looked at. */
export function birthIfSeen(path: string): string | undefined {
  try {
    return birthAt(path);
  } catch {
    return undefined;
  }
}

export function identityFrom({ dev, ino, size, mtimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${size} ${mtimeNs}`;
}

/** Undefined: it is not there, or may not be looked at. */
export function identityOf(path: string): string | undefined {
  try {
    return identityFrom(statSync(path, { bigint: true }));
  } catch {
    return undefined;
  }
}

export function identitiesOf(paths: readonly string[]): string {
  return paths.map((path) => `${path} ${identityOf(path) ?? 'is not there'}`).join('\n');
}
