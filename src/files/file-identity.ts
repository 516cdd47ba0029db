/** Tells whether a file was written or replaced since somebody looked. */
import { type BigIntStats, type StatSyncFn, statSync } from 'node:fs';

/** Stays the same while a file lives, whatever is written to it. Inodes alone are reused. */
export function birthOf({ dev, ino, birthtimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${birthtimeNs}`;
}

/** The birth of the file at `path`; undefined when it does not exist. Throws other system errors. */
export function birthAt(path: string, stat: StatSyncFn = statSync): string | undefined {
  const stats = stat(path, { bigint: true, throwIfNoEntry: false });
  return stats && birthOf(stats);
}

/** The same, but undefined also where it may not be looked at. */
export function birthIfSeen(path: string, stat: StatSyncFn = statSync): string | undefined {
  try {
    return birthAt(path, stat);
  } catch {
    return undefined;
  }
}

export function identityFrom({ dev, ino, size, mtimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${size} ${mtimeNs}`;
}

/** Undefined when the file is not there or cannot be examined. */
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
