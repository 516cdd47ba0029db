/**
 * Keeps us from opening what another user put in the place of a file of ours, in a directory in which
 * others may write: a symbolic link would lead our writes elsewhere, and a pipe that nobody reads
 * would stop us. Links of root's and of our own are followed.
 */
import { lstatSync, type Stats } from 'node:fs';
import { Fault, type FaultCode } from '../runtime/errors.ts';

/** What cannot be looked at is not there: opening it tells the trouble. */
function statsOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** A sentence about what another user put there, or undefined: it may be opened. */
export function plantedAt(path: string): string | undefined {
  const stats = statsOf(path);
  if (!stats || stats.isFile()) return undefined;
  if (stats.uid === 0 || stats.uid === process.geteuid?.()) return undefined;
  return `${path} is not a file, and uid ${stats.uid} put it there`;
}

/** @throws Fault with this code when something was planted. */
export function refusePlanted(path: string, code: FaultCode): void {
  const planted = plantedAt(path);
  if (planted !== undefined) throw new Fault(code, planted);
}
