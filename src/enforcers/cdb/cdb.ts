/**
 * djb's constant database, written and read in memory.
 *
 * Guarantee: the bytes are those that tcprules(1) and ipsvd-cdb(8) write for the same records in
 * the same order. Of records with one key, readers find the first.
 *
 * Layout, all numbers 32-bit little-endian: 256 pairs (position, slots) of hash tables; then the
 * records (key length, data length, key, data); then the tables, whose slots are pairs
 * (hash, position of the record), half of them empty. Source: http://cr.yp.to/cdb/cdb.txt
 */
import type { Work } from '../../runtime/work.ts';

export type CdbRecord = readonly [key: Uint8Array, data: Uint8Array];

/** A record to write; what is text is Latin-1. */
export type NewRecord = readonly [key: Uint8Array | string, data: Uint8Array | string];

const tableCount = 256;
const pairBytes = 8;
const headerBytes = tableCount * pairBytes;
const largestPosition = 0xffff_ffff;
const firstCapacity = 64 * 1024;
/** Records handled between two pauses. */
const recordsInStep = 128;

/** Pauses after every `recordsInStep` records, and wherever `records` yields `undefined`. */
export function* compileCdb(records: Iterable<NewRecord | undefined>): Work<Uint8Array> {
  const cdb = new CdbMaker();
  for (const record of records) {
    if (record) cdb.add(...record);
    if (!record || cdb.size % recordsInStep === 0) yield;
  }
  return yield* cdb.finish();
}

/** The data of the first record with this key. Throws RangeError when the cdb is cut off. */
export function findInCdb(bytes: Uint8Array, key: Uint8Array): Uint8Array | undefined {
  const view = viewOf(bytes);
  const hash = hashOf(key, 0, key.length);
  const table = (hash % tableCount) * pairBytes;
  const start = view.getUint32(table, true);
  const slots = view.getUint32(table + 4, true);
  for (let tried = 0, slot = (hash >>> 8) % slots; tried < slots; tried++) {
    const at = start + slot * pairBytes;
    const position = view.getUint32(at + 4, true);
    if (position === 0) return undefined;
    if (view.getUint32(at, true) === hash) {
      const data = dataAt(view, bytes, position, key);
      if (data) return data;
    }
    slot = (slot + 1) % slots;
  }
  return undefined;
}

/** The first of these Latin-1 keys that has a record, and its data. Throws as `findInCdb` does. */
export function findFirstInCdb(
  bytes: Uint8Array,
  keys: Iterable<string>,
): { readonly key: string; readonly data: Uint8Array } | undefined {
  for (const key of keys) {
    const data = findInCdb(bytes, latin1(key));
    if (data) return { key, data };
  }
  return undefined;
}

/** All records, in the order of the file. Throws RangeError when the cdb is cut off. */
export function recordsInCdb(bytes: Uint8Array): CdbRecord[] {
  const view = viewOf(bytes);
  const records: CdbRecord[] = [];
  const end = view.getUint32(0, true);
  for (let position = headerBytes; position < end; ) {
    const keyStart = position + pairBytes;
    const dataStart = keyStart + view.getUint32(position, true);
    const next = dataStart + view.getUint32(position + 4, true);
    if (next > end || end > bytes.length) throw new RangeError('the cdb is cut off');
    records.push([bytes.subarray(keyStart, dataStart), bytes.subarray(dataStart, next)]);
    position = next;
  }
  return records;
}

/** Keys and data are bytes; as text they are Latin-1. */
export function latin1(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

/** The text of a key or of data. */
export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 5381;
  for (let index = start; index < end; index++) hash = ((hash << 5) + hash) ^ at(bytes, index);
  return hash >>> 0;
}

class CdbMaker {
  #bytes = new Uint8Array(firstCapacity);
  #view = viewOf(this.#bytes);
  #end = headerBytes;
  /** Pairs (hash, position), one per record, in order. */
  #records = new Uint32Array(firstCapacity / pairBytes);
  #size = 0;
  /** One number per table. */
  readonly #slots = new Uint32Array(tableCount);
  readonly #starts = new Uint32Array(tableCount);

  get size(): number {
    return this.#size;
  }

  add(key: Uint8Array | string, data: Uint8Array | string): void {
    const keyStart = this.#end + pairBytes;
    const dataStart = keyStart + key.length;
    this.#reserve(dataStart + data.length);
    this.#view.setUint32(this.#end, key.length, true);
    this.#view.setUint32(this.#end + 4, data.length, true);
    copy(key, this.#bytes, keyStart);
    copy(data, this.#bytes, dataStart);
    this.#note(hashOf(this.#bytes, keyStart, dataStart), this.#end);
    this.#end = dataStart + data.length;
  }

  /** Fills tables in the order of the records, so that the first of equal keys is found first. */
  *finish(): Work<Uint8Array> {
    const end = this.#end + 2 * pairBytes * this.#size;
    this.#reserve(end);
    this.#writeHeader();
    for (let index = 0; index < this.#size; index++) {
      this.#fillSlot(at(this.#records, 2 * index), at(this.#records, 2 * index + 1));
      if (index % recordsInStep === 0) yield;
    }
    return this.#bytes.subarray(0, end);
  }

  #reserve(end: number): void {
    if (end > largestPosition) throw new RangeError('a cdb cannot be larger than 4 GiB');
    if (end <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max(end, 2 * this.#bytes.length));
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
  }

  #note(hash: number, position: number): void {
    if (2 * this.#size === this.#records.length) {
      const records = new Uint32Array(2 * this.#records.length);
      records.set(this.#records);
      this.#records = records;
    }
    this.#records[2 * this.#size] = hash;
    this.#records[2 * this.#size + 1] = position;
    this.#slots[hash % tableCount] = at(this.#slots, hash % tableCount) + 2;
    this.#size += 1;
  }

  #writeHeader(): void {
    for (let table = 0, start = this.#end; table < tableCount; table++) {
      const slots = at(this.#slots, table);
      this.#starts[table] = start;
      this.#view.setUint32(table * pairBytes, start, true);
      this.#view.setUint32(table * pairBytes + 4, slots, true);
      start += slots * pairBytes;
    }
  }

  #fillSlot(hash: number, position: number): void {
    const start = at(this.#starts, hash % tableCount);
    const slots = at(this.#slots, hash % tableCount);
    let slot = (hash >>> 8) % slots;
    while (this.#view.getUint32(start + slot * pairBytes + 4, true) !== 0)
      slot = (slot + 1) % slots;
    this.#view.setUint32(start + slot * pairBytes, hash, true);
    this.#view.setUint32(start + slot * pairBytes + 4, position, true);
  }
}

function copy(from: Uint8Array | string, to: Uint8Array, start: number): void {
  if (typeof from === 'string') copyText(from, to, start);
  else copyBytes(from, to, start);
}

function copyText(from: string, to: Uint8Array, start: number): void {
  for (let index = 0; index < from.length; index++) to[start + index] = from.charCodeAt(index);
}

/** Faster than `to.set(from, start)` for the few bytes of a key. */
function copyBytes(from: Uint8Array, to: Uint8Array, start: number): void {
  for (let index = 0; index < from.length; index++) to[start + index] = at(from, index);
}

/** An index that is in range by construction. */
function at(numbers: Uint32Array | Uint8Array, index: number): number {
  return numbers[index] ?? 0;
}

function dataAt(
  view: DataView,
  bytes: Uint8Array,
  position: number,
  key: Uint8Array,
): Uint8Array | undefined {
  const keyLength = view.getUint32(position, true);
  const dataLength = view.getUint32(position + 4, true);
  const keyStart = position + pairBytes;
  const dataStart = keyStart + keyLength;
  if (dataStart + dataLength > bytes.length) throw new RangeError('the cdb is cut off');
  if (keyLength !== key.length) return undefined;
  if (key.some((byte, index) => byte !== bytes[keyStart + index])) return undefined;
  return bytes.subarray(dataStart, dataStart + dataLength);
}
