/** The file of a cdb: where it really is, and how it is replaced when its bytes change. */
import { lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { identityOf } from '../../files/file-identity.ts';
import { plantedAt } from '../../files/planted-file.ts';
import { reading } from '../../files/read-file.ts';
import { removeQuietly, replaceFile } from '../../files/replace-file.ts';
import { slowly, type Work } from '../../runtime/work.ts';

const firstMode = 0o644;

/** An administrator's link stays a link, because others write the cdb where it leads. */
export function linkTarget(path: string): string {
  if (plantedAt(path) !== undefined) return path;
  try {
    return realpathSync(path);
  } catch {
    // A dangling link tells where the file will be.
    return isLink(path) ? resolve(dirname(path), readlinkSync(path)) : path;
  }
}

/**
 * Replaces the file unless it has these bytes already, and keeps its mode. Returns the identity of
 * the file that has them. @throws Fault
 */
export function* putCdb(path: string, bytes: Uint8Array): Work<string> {
  const file = linkTarget(path);
  if (plantedAt(file) !== undefined) removeQuietly(file);
  const identity = identityOf(file);
  const isSame = identity !== undefined && (yield* holds(file, bytes));
  return isSame ? identity : yield* replaceFile(file, bytes, modeOf(file));
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

function* holds(path: string, bytes: Uint8Array): Work<boolean> {
  try {
    if (statSync(path).size !== bytes.length) return false;
    return Buffer.compare(yield* slowly(reading(path)), bytes) === 0;
  } catch {
    return false;
  }
}

/** A file that cannot be examined counts as absent: writing it then reports the trouble. */
function modeOf(path: string): number {
  try {
    return statSync(path).mode & 0o777;
  } catch {
    return firstMode;
  }
}
