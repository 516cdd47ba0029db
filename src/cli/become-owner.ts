/**
 * Root works as the daemon's user, so that no file of the daemon's becomes root's.
 */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Fault, reasonOf } from '../runtime/errors.ts';

/** If root, becomes the owner of the directory that holds `path`. @throws Fault `store` */
export function becomeOwner(path: string): void {
  if (process.getuid?.() !== 0) return;
  try {
    const { uid, gid } = statSync(dirname(path));
    if (uid === 0) return;
    process.setgroups?.([]);
    process.setgid?.(gid);
    process.setuid?.(uid);
  } catch (error) {
    throw new Fault(
      'store',
      `cannot work as the owner of ${dirname(path)}: ${reasonOf(error)}`,
      error,
    );
  }
}
