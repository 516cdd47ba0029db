/**
 * The instructions directory as the bytes of the cdb that tcpsvd -x reads.
 *
 * Guarantee: the bytes are those that ipsvd-cdb(8) writes for the same directory, or a Fault where it
 * fails. So the records are in the order in which the directory lists its names, names that start
 * with two dots are left out, and any other name with a dot in front gets the instructions of `0`.
 *
 * The last byte of the data says what it is: D close the connection, I instructions, X a command.
 * The files' last newline is left out; instructions have NULs for the others, and keep comments.
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
/** How many names are read at once. */
const bufferSize = 1024;

/** What is known of a name's data without looking at its file; undefined: look. */
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

/** The data of one file, or undefined when there is none. */
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

/** Undefined after each file that was looked at, which a disk may take long for. */
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
  // The type knows only names in UTF-8; Node takes every encoding of Buffer.
  const directory = opendirSync(path, { bufferSize, encoding: 'latin1' as BufferEncoding });
  try {
    for (let entry = directory.readSync(); entry; entry = directory.readSync()) {
      if (!entry.name.startsWith('..')) yield entry.name;
    }
  } finally {
    directory.closeSync();
  }
}

/** A pipe nobody writes to is an empty file. A device may have no end, so it is a mistake. */
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
