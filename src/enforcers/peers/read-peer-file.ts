/**
 * Reads the text of a peer file of ours.
 *
 * Not even its owner may open a silent one, only root. To let him, its mode has to change, and under
 * its own name that would let the client in. So another file that denies as well takes its place for
 * that moment, while it is read under a name that tcpsvd never looks for.
 *
 * Guarantee: the name denies at every instant, and has the same file as before afterwards: inode,
 * bytes, mode, modification and access time. What a killed process leaves, `restoreLeftover` mends.
 * Guarantee: whatever others put into the directory, no other file than that one changes.
 *
 * XXX: what somebody else gives that name within these few microseconds is lost.
 */
import {
  closeSync,
  constants,
  futimesSync,
  linkSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
} from 'node:fs';
import { join } from 'node:path';
import { changeMode } from '../../files/change-mode.ts';
import { permissionBits } from '../../files/mode-bits.ts';
import { removeQuietly } from '../../files/replace-file.ts';
import { errnoOf } from '../../runtime/errors.ts';
import { silentMode } from './peer-file.ts';

const { O_CREAT, O_EXCL, O_NOATIME, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
/** What ends the names of files that have no other use than the next one. */
export const temporarySuffix = '.ipthrottle';
const asideSuffix = `.aside${temporarySuffix}`;
const readableMode = 0o600;
/** Times are passed on as numbers that do not hold nanoseconds. */
const coverAccuracyMs = 1;

function read(path: string): string {
  // tcpsvd -t goes by the access time.
  const descriptor = openSync(path, O_RDONLY | O_NOATIME | O_NOFOLLOW | O_NONBLOCK);
  try {
    return readFileSync(descriptor, 'latin1');
  } finally {
    closeSync(descriptor);
  }
}

/** The text of the file with these `stats`, which its reader owns; undefined: it cannot be read. */
export function readPeerFile(directory: string, name: string, stats: Stats): string | undefined {
  try {
    return read(join(directory, name));
  } catch (error) {
    if (errnoOf(error) !== 'EACCES' || (stats.mode & permissionBits) !== silentMode)
      return undefined;
  }
  try {
    return readAside(directory, name, stats);
  } catch {
    return undefined;
  }
}

function readAside(directory: string, name: string, stats: Stats): string | undefined {
  const path = join(directory, name);
  const aside = join(directory, `..${name}${asideSuffix}`);
  linkSync(path, aside);
  try {
    if (lstatSync(aside).ino !== stats.ino) return undefined;
    coverUp(path, join(directory, `..${name}${temporarySuffix}`), stats);
    changeMode(aside, readableMode, ({ ino }) => ino === stats.ino);
    return read(aside);
  } finally {
    restore(path, aside);
  }
}

/** Gives the name to a new file that denies until the same time. */
function coverUp(path: string, cover: string, { atimeMs, mtimeMs }: Stats): void {
  rmSync(cover, { force: true });
  const descriptor = openSync(cover, O_CREAT | O_EXCL | O_WRONLY, silentMode);
  try {
    futimesSync(descriptor, atimeMs / 1000, mtimeMs / 1000);
    renameSync(cover, path);
  } catch (error) {
    rmSync(cover, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

/** Whether we put the file aside ourselves: others can make links, but not files of ours. */
function isPutAside(stats: Stats): boolean {
  return stats.isFile() && stats.uid === process.geteuid?.() && stats.nlink === 1;
}

/** Gives the file that was put aside its name back, unless somebody took the name from it. */
function restore(path: string, aside: string): void {
  const there = lstatSync(path, { throwIfNoEntry: false });
  const left = lstatSync(aside);
  const { ino, mtimeMs } = left;
  const isCover =
    there?.isFile() &&
    (there.mode & permissionBits) === silentMode &&
    Math.abs(there.mtimeMs - mtimeMs) < coverAccuracyMs;
  if (!there || !isCover || there.ino === ino || !isPutAside(left)) {
    rmSync(aside, { force: true });
    return;
  }
  changeMode(aside, silentMode, isPutAside);
  renameSync(aside, path);
}

/**
 * Mends or removes a file that a killed process left; says whether the name is one of those. What
 * cannot be removed, because somebody else put it there, stays and harms nobody.
 */
export function restoreLeftover(directory: string, name: string): boolean {
  if (!name.startsWith('..') || !name.endsWith(temporarySuffix)) return false;
  const path = join(directory, name);
  if (!name.endsWith(asideSuffix)) removeQuietly(path);
  else {
    try {
      restore(join(directory, name.slice(2, -asideSuffix.length)), path);
    } catch {
      // Tried again at the next look.
    }
  }
  return true;
}
