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

export type CdbRecord = readonly [key: Uint8Array, data: Uint8Array];

const tableCount = 256;
const pairBytes = 8;
const headerBytes = tableCount * pairBytes;
const largestPosition = 0xffff_ffff;

export function compileCdb(records: Iterable<CdbRecord>): Uint8Array {
  const all = Array.isArray(records) ? (records as readonly CdbRecord[]) : [...records];
  const hashes = new Uint32Array(all.length);
  all.forEach(([key], index) => {
    hashes[index] = hashOf(key);
  });
  const recordsEnd = endOf(all);
  const bytes = new Uint8Array(recordsEnd + 2 * pairBytes * all.length);
  const positions = writeRecords(bytes, all);
  writeTables(bytes, recordsEnd, hashes, positions);
  return bytes;
}

/** The data of the first record with this key. Throws RangeError when `bytes` is no whole cdb. */
export function findInCdb(bytes: Uint8Array, key: Uint8Array): Uint8Array | undefined {
  const view = viewOf(bytes);
  const hash = hashOf(key);
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

/** All records, in the order of the file. Throws RangeError when `bytes` is no whole cdb. */
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

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function hashOf(key: Uint8Array): number {
  let hash = 5381;
  for (let index = 0; index < key.length; index++) hash = ((hash << 5) + hash) ^ at(key, index);
  return hash >>> 0;
}

function endOf(records: readonly CdbRecord[]): number {
  let end = headerBytes;
  for (const [key, data] of records) end += pairBytes + key.length + data.length;
  if (end + 2 * pairBytes * records.length > largestPosition) {
    throw new RangeError('a cdb cannot be larger than 4 GiB');
  }
  return end;
}

/** Writes the records behind the header and returns where each one starts. */
function writeRecords(bytes: Uint8Array, records: readonly CdbRecord[]): Uint32Array {
  const view = viewOf(bytes);
  const positions = new Uint32Array(records.length);
  let position = headerBytes;
  records.forEach(([key, data], index) => {
    positions[index] = position;
    view.setUint32(position, key.length, true);
    view.setUint32(position + 4, data.length, true);
    copy(key, bytes, position + pairBytes);
    copy(data, bytes, position + pairBytes + key.length);
    position += pairBytes + key.length + data.length;
  });
  return positions;
}

function writeTables(
  bytes: Uint8Array,
  recordsEnd: number,
  hashes: Uint32Array,
  positions: Uint32Array,
): void {
  const view = viewOf(bytes);
  const starts = new Uint32Array(tableCount);
  const slots = new Uint32Array(tableCount);
  for (const hash of hashes) slots[hash % tableCount] = at(slots, hash % tableCount) + 2;
  for (let table = 0, start = recordsEnd; table < tableCount; table++) {
    starts[table] = start;
    view.setUint32(table * pairBytes, start, true);
    view.setUint32(table * pairBytes + 4, at(slots, table), true);
    start += at(slots, table) * pairBytes;
  }
  // In the order of the records, so that the first of equal keys comes first in its table.
  hashes.forEach((hash, index) => {
    const start = at(starts, hash % tableCount);
    const slot = freeSlot(view, start, at(slots, hash % tableCount), hash);
    view.setUint32(slot, hash, true);
    view.setUint32(slot + 4, at(positions, index), true);
  });
}

function freeSlot(view: DataView, start: number, slots: number, hash: number): number {
  let slot = (hash >>> 8) % slots;
  while (view.getUint32(start + slot * pairBytes + 4, true) !== 0) slot = (slot + 1) % slots;
  return start + slot * pairBytes;
}

/** As `to.set(from, start)`, which is slower for the few bytes of a key. */
function copy(from: Uint8Array, to: Uint8Array, start: number): void {
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
