/**
 * Guarantee: only the very file that was looked at changes its mode, never one that a symbolic link
 * leads to or that took the name in between. Needs /proc.
 */
import { chmodSync, closeSync, constants, fstatSync, openSync, type Stats } from 'node:fs';

/** O_PATH, which Node does not name: needs no permission to read, and waits for no pipe. */
const pathOnly = 0o10000000;

/** Throws a system error, or an Error when the file is not `expected`; then nothing has changed. */
export function changeMode(path: string, mode: number, expected: (stats: Stats) => boolean): void {
  const descriptor = openSync(path, pathOnly | constants.O_NOFOLLOW);
  try {
    if (!expected(fstatSync(descriptor))) throw new Error(`${path} is not the file it should be`);
    chmodSync(`/proc/self/fd/${descriptor}`, mode);
  } finally {
    closeSync(descriptor);
  }
}
