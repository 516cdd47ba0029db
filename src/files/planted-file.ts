/**
 * Keeps us from opening what another user put in place of our file, in a directory where others may
 * write: a symbolic link would lead our writes elsewhere, and a pipe without a reader would stop
 * us. Links made by root or by us are followed.
 */
import { lstatSync, type Stats } from 'node:fs';
import { Fault, type FaultCode } from '../runtime/errors.ts';

/** Undefined also for a file that cannot be looked at: opening it will say why. */
function statsOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** A sentence about what another user put there; undefined when it may be opened. */
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
