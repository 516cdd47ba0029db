/**
 * The instructions directory as the bytes of the cdb that tcpsvd -x reads.
 *
 * Guarantee: the bytes are those that ipsvd-cdb(8) writes for the same directory; where it fails,
 * the result is a Fault. So records keep the order of the directory, names that start with two dots
 * are left out, and any other name that starts with a dot gets the instructions of `0`.
 *
 * The last byte of the data is its kind: D closes the connection, I is instructions, X is a
 * command. A file's last newline is left out; in instructions NULs stand for the others, and
 * comments stay.
 */

import {
  closeSync,
  constants,
  fstatSync,
  opendirSync,
  openSync,
  readFileSync,
  statSync,
} from 'node:fs';
import { userExecute, userReadOrExecute } from '../../files/mode-bits.ts';
import { Fault, reasonOf } from '../../runtime/errors.ts';
import type { Work } from '../../runtime/work.ts';
import { compileCdb, latin1, type NewRecord } from '../cdb/cdb.ts';

const newline = 0x0a;
/** Names read at once. */
const bufferSize = 1024;

/** The data of a name if known without reading its file. */
export type KnownData = (name: string) => Uint8Array | undefined;

/** Names are Latin-1, byte for byte. @throws Fault */
export function* compilePeers(
  directory: string,
  known: KnownData = () => undefined,
): Work<Uint8Array> {
  try {
    return yield* compileCdb(recordsIn(directory, known));
  } catch (error) {
    throw faultOf(directory, error);
  }
}

/** The data of one file; undefined when the file does not exist. */
export function peerData(directory: string, name: string): Uint8Array | undefined {
  const path = Buffer.concat([Buffer.from(`${directory}/`), latin1(name)]);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) return undefined;
  if ((stats.mode & userReadOrExecute) === 0) return latin1('D');
  const text = withoutLastNewline(contentOf(path));
  if ((stats.mode & userExecute) !== 0) return Buffer.concat([text, latin1('X')]);
  return Buffer.concat([text.map((byte) => (byte === newline ? 0 : byte)), latin1('I')]);
}

function faultOf(path: string, error: unknown): Fault {
  if (error instanceof Fault) return error;
  return new Fault('enforcer', `cannot compile ${path}: ${reasonOf(error)}`, error);
}

/** Yields undefined after each file that was read, because a slow disk may take long. */
function* recordsIn(directory: string, known: KnownData): Generator<NewRecord | undefined> {
  for (const name of namesIn(directory)) {
    const knownData = known(name);
    const data = knownData ?? dataOf(directory, name);
    if (data) yield [name, data];
    if (!knownData) yield undefined;
  }
}

function dataOf(directory: string, name: string): Uint8Array | undefined {
  try {
    if (!name.startsWith('.')) return peerData(directory, name);
    const path = Buffer.concat([Buffer.from(`${directory}/`), latin1(name)]);
    return statSync(path, { throwIfNoEntry: false }) && peerData(directory, '0');
  } catch (error) {
    throw faultOf(`${directory}/${name}`, error);
  }
}

function* namesIn(path: string): Generator<string> {
  // The type allows UTF-8 only; Node accepts every encoding of Buffer.
  const directory = opendirSync(path, { bufferSize, encoding: 'latin1' as BufferEncoding });
  try {
    for (let entry = directory.readSync(); entry; entry = directory.readSync()) {
      if (!entry.name.startsWith('..')) yield entry.name;
    }
  } finally {
    directory.closeSync();
  }
}

/** A pipe without a writer counts as empty. A device may never end, so it is a mistake. */
function contentOf(path: Uint8Array): Buffer {
  const descriptor = openSync(Buffer.from(path), constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(descriptor);
    if (stats.isCharacterDevice() || stats.isBlockDevice()) throw new Error('it is a device');
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function withoutLastNewline(text: Buffer): Buffer {
  return text.at(-1) === newline ? text.subarray(0, -1) : text;
}
