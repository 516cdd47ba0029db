import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CdbRecord, compileCdb, findInCdb, latin1 } from '../../../src/enforcers/cdb/cdb.ts';
import { doNow } from '../../../src/runtime/work.ts';

function found(cdb: Uint8Array, key: string): string | undefined {
  const data = findInCdb(cdb, latin1(key));
  return data && Buffer.from(data).toString('latin1');
}

const bytes = fc.uint8Array({ maxLength: 6 });

describe('a constant database', () => {
  test('without records is 2048 bytes and finds nothing', () => {
    const cdb = doNow(compileCdb([]));
    expect(cdb.length).toBe(2048);
    expect(found(cdb, '')).toBeUndefined();
  });

  test('finds every record and nothing else', () => {
    const records = fc.uniqueArray(fc.tuple(bytes, bytes), {
      selector: ([key]) => String(key),
      maxLength: 300,
    });
    fc.assert(
      fc.property(records, bytes, (all, other) => {
        const cdb = doNow(compileCdb(all));
        for (const [key, data] of all) expect(findInCdb(cdb, key)).toEqual(data);
        const isKey = all.some(([key]) => Buffer.compare(key, other) === 0);
        expect(findInCdb(cdb, other) !== undefined).toBe(isKey);
      }),
    );
  });

  test('gives the first of duplicates', () => {
    const pairs = ['a', 'b', 'a', 'c', 'a'].map(
      (key, i): CdbRecord => [latin1(key), latin1(`${i}`)],
    );
    expect(found(doNow(compileCdb(pairs)), 'a')).toBe('0');
    expect(found(doNow(compileCdb(pairs.slice(1))), 'a')).toBe('2');
  });

  test('distinguishes keys with equal hashes, even when one begins with the other', () => {
    const keys = ['kzpmidbh', 'k', '!B', '"!'];
    const pairs = keys.map((key): CdbRecord => [latin1(key), latin1(key)]);
    for (const order of [pairs, pairs.toReversed()]) {
      for (const key of keys) expect(found(doNow(compileCdb(order)), key)).toBe(key);
    }
    expect(found(doNow(compileCdb(pairs.slice(0, 1))), 'k')).toBeUndefined();
  });

  test('takes any iterable', () => {
    const records = new Map([[latin1('k'), latin1('v')]]);
    expect(found(doNow(compileCdb(records)), 'k')).toBe('v');
  });

  test('holds 100 000 addresses', () => {
    const records = Array.from({ length: 100_000 }, (_, i): CdbRecord => {
      return [latin1(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`), latin1('D\0')];
    });
    const cdb = doNow(compileCdb(records));
    for (const [key] of records) expect(findInCdb(cdb, key)?.length).toBe(2);
    expect(found(cdb, '10.9.9.9')).toBeUndefined();
  });

  test('that is cut off is a RangeError, wherever it is cut', () => {
    const cdb = doNow(compileCdb([[latin1('key'), latin1('data')]]));
    for (let length = 0; length < cdb.length; length++) {
      // A table before the cut may be empty and say so; the one that is read lies behind it.
      expect(() => findInCdb(cdb.subarray(0, length), latin1('key'))).toThrow(RangeError);
    }
  });
});
