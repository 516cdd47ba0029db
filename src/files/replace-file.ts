/**
 * Guarantee: a reader of `path` sees the old bytes or the new bytes, never a mixture, a gap or the
 * wrong mode, also after a power loss.
 *
 * The temporary name starts with two dots because ipsvd-cdb(8) skips such names and no address or
 * host name can match one.
 *
 * XXX: two processes with one process id (in two containers) that replace one file in the same
 * instant may take each other's temporary file.
 */
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFile,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { errnoOf, Fault, reasonOf } from '../runtime/errors.ts';
import { slowly, type Work } from '../runtime/work.ts';
import { identityFrom } from './file-identity.ts';

/** Only we may open it until mode and owner are right. */
const narrowMode = 0o600;

/**
 * Replaces or creates `path` and returns the identity of the new file, which keeps the owner of the
 * old one where we may set it.
 */
export function* replaceFile(path: string, bytes: Uint8Array, mode: number): Work<string> {
  const temporary = temporaryName(path);
  try {
    const identity = yield* writeNewFile(temporary, bytes, mode, ownerOf(path));
    // Synchronous, because whoever abandons this work must know whether the rename was done.
    renameSync(temporary, path);
    yield* syncDirectory(dirname(path));
    return identity;
  } catch (error) {
    throw new Fault('enforcer', `cannot replace ${path}: ${reasonOf(error)}`, error);
  } finally {
    removeQuietly(temporary);
  }
}

/** Where this process prepares the next bytes of `path`. */
export function temporaryName(path: string): string {
  return join(dirname(path), `..${basename(path)}.${process.pid}.tmp`);
}

/** Removes temporary files of `path` that processes left behind when they were killed. */
export function removeLeftovers(path: string): void {
  const directory = dirname(path);
  for (const name of namesIn(directory)) {
    const owner = processIdIn(name, basename(path));
    if (owner !== undefined && !isRunning(owner)) removeQuietly(join(directory, name));
  }
}

/** Makes an empty file of ours in place of whatever is there. Throws a system error. */
export function createAnew(path: string): void {
  closeSync(openNew(path));
}

export function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // It is a leftover at worst, and the next removeLeftovers finds it.
  }
}

type Owner = { readonly uid: number; readonly gid: number };

function ownerOf(path: string): Owner | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats?.isFile() ? stats : undefined;
}

function* writeNewFile(path: string, bytes: Uint8Array, mode: number, owner?: Owner): Work<string> {
  const fd = openNew(path);
  try {
    yield* slowly({
      now: () => writeFileSync(fd, bytes),
      later: () => promisify(writeFile)(fd, bytes),
    });
    if (owner) giveTo(fd, owner);
    fchmodSync(fd, mode);
    yield* sync(fd);
    return identityFrom(fstatSync(fd, { bigint: true }));
  } finally {
    closeSync(fd);
  }
}

function sync(fd: number): Work<void> {
  return slowly({ now: () => fsyncSync(fd), later: () => promisify(fsync)(fd) });
}

/** A file of that name is planted, or the leftover of a dead process that had our number. */
function openNew(path: string): number {
  try {
    return openSync(path, 'wx', narrowMode);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    rmSync(path, { force: true });
    return openSync(path, 'wx', narrowMode);
  }
}

/** A server that reads the file as its owner or through its group must still be able to. */
function giveTo(fd: number, owner: Owner): void {
  if (!mayGive(fd, owner.uid, owner.gid)) mayGive(fd, -1, owner.gid);
}

function mayGive(fd: number, uid: number, gid: number): boolean {
  try {
    fchownSync(fd, uid, gid);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EPERM') return false;
    throw error;
  }
}

function* syncDirectory(path: string): Work<void> {
  const fd = openSync(path, 'r');
  try {
    yield* sync(fd);
  } finally {
    closeSync(fd);
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** The number in `..NAME.PID.tmp` or `..NAME.WHAT.PID.tmp`. */
function processIdIn(name: string, target: string): number | undefined {
  if (!name.startsWith(`..${target}.`)) return undefined;
  const digits = /^(?:[a-z]+\.)?([1-9]\d{0,9})\.tmp$/.exec(name.slice(target.length + 3))?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function isRunning(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return errnoOf(error) !== 'ESRCH';
  }
}
