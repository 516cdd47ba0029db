/**
 * Reads the text of a peer file of ours.
 *
 * Only root may open a silent one, not even its owner. He would have to change its mode, which
 * would let the client in. So another file that denies takes its name for a moment, while it is
 * read under a name that tcpsvd never looks up.
 *
 * Guarantee: the name denies at every instant, and afterwards has the same file as before: inode,
 * bytes, mode, modification and access time. `restoreLeftover` mends what a killed process leaves.
 * Guarantee: whatever others put into the directory, no other file changes.
 *
 * XXX: a file that somebody else moves to the name within these few microseconds is lost.
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
/** The suffix of temporary files. */
export const temporarySuffix = '.ipthrottle';
const asideSuffix = `.aside${temporarySuffix}`;
const readableMode = 0o600;
/** Times pass through numbers that cannot hold nanoseconds. */
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

/** The text of our own file with these `stats`; undefined when it cannot be read. */
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

/** Replaces the file by a new one that denies until the same time. */
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

/** Whether we ourselves put the file aside: others can only make links to our files. */
function isPutAside(stats: Stats): boolean {
  return stats.isFile() && stats.uid === process.geteuid?.() && stats.nlink === 1;
}

/** Gives the file put aside its name back, unless somebody else has taken or freed the name. */
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
 * Mends or removes a file that a killed process left; returns whether the name is of that kind. A
 * file of somebody else that cannot be removed stays and does no harm.
 */
export function restoreLeftover(directory: string, name: string): boolean {
  if (!name.startsWith('..') || !name.endsWith(temporarySuffix)) return false;
  const path = join(directory, name);
  if (!name.endsWith(asideSuffix)) removeQuietly(path);
  else {
    try {
      restore(join(directory, name.slice(2, -asideSuffix.length)), path);
    } catch {
      // The next inspection tries again.
    }
  }
  return true;
}
