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
import { Fault, reasonOf } from '../errors.ts';
import { type CdbRecord, compileCdb } from './cdb.ts';
import { latin1 } from './tcprules.ts';

const userExecute = 0o100;
const userReadOrExecute = 0o500;
const newline = 0x0a;
/** How many names are read at once. */
const bufferSize = 1024;

/** What is known of a name's data without looking at its file; undefined: look. */
export type KnownData = (name: string) => Uint8Array | undefined;

/** Names are Latin-1, byte for byte. @throws Fault */
export function compilePeers(directory: string, known: KnownData = () => undefined): Uint8Array {
  return naming(directory, () => compileCdb(recordsIn(directory, known)));
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

function naming<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault('enforcer', `cannot compile ${path}: ${reasonOf(error)}`, error);
  }
}

function recordsIn(directory: string, known: KnownData): CdbRecord[] {
  const records: CdbRecord[] = [];
  for (const name of namesIn(directory)) {
    const data = known(name) ?? naming(`${directory}/${name}`, () => dataOf(directory, name));
    if (data) records.push([latin1(name), data]);
  }
  return records;
}

function dataOf(directory: string, name: string): Uint8Array | undefined {
  if (!name.startsWith('.')) return peerData(directory, name);
  const path = Buffer.concat([Buffer.from(`${directory}/`), latin1(name)]);
  return statSync(path, { throwIfNoEntry: false }) && peerData(directory, '0');
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
