/** The daemon's user, which is the owner of its database's directory. */
import { execFileSync } from 'node:child_process';
import { type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Config } from '../config/config.ts';

export type User = { readonly uid: number; readonly groups: ReadonlySet<number> };

/** Undefined when that directory does not exist. */
export function daemonUser({ settings }: Config): User | undefined {
  const path = settings.dbPath === ':memory:' ? settings.controlSocket : settings.dbPath;
  const stats = statSync(dirname(path), { throwIfNoEntry: false });
  return stats && { uid: stats.uid, groups: new Set([stats.gid, ...groupsOf(stats.uid)]) };
}

/** Node cannot look up groups of a user; id(1) can. */
function groupsOf(uid: number): number[] {
  try {
    const said = execFileSync('id', ['-G', String(uid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return said.trim().split(' ').map(Number);
  } catch {
    return [];
  }
}

/** Whether the user may create and remove files in the directory of these stats. */
export function mayChange({ uid, groups }: User, stats: Stats): boolean {
  if (uid === 0) return true;
  const shift = stats.uid === uid ? 6 : groups.has(stats.gid) ? 3 : 0;
  return ((stats.mode >> shift) & 0o3) === 0o3;
}
