/** Tests: src/core/value.ts, src/counters/sharded-map.ts */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { valueText } from '../../src/core/value.ts';
import { ValueMap } from '../../src/counters/value-map.ts';

/** Texts that look like an address but are not one, or are another value. */
const near = ['192.0.2.1', '192.0.2.01', '192.0.2.1.', ' 192.0.2.1', '192.0.2.1/24', '192.0.2'];
const odd = ['', '::', '2001:db8::/64', '0.0.0.0', '255.255.255.255', '256.0.0.1', '1.2.3.4.5'];
const value = fc.oneof(fc.constantFrom(...near, ...odd), fc.ipV4(), fc.ipV6(), fc.string());
const change = fc.record({ isDelete: fc.boolean(), value, number: fc.nat() });

describe('a map of values', () => {
  test('holds what a Map holds, whatever the values look like', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
        const [values, map] = [new ValueMap(), new Map<string, number>()];
        for (const { isDelete, value, number } of changes) {
          if (isDelete) {
            values.delete(value);
            map.delete(value);
          } else {
            values.set(value, number);
            map.set(value, number);
          }
          expect(values.size).toBe(map.size);
        }
        for (const { value } of changes) expect(values.get(value)).toBe(map.get(value));
        const texts = Array.from(values.entries(), ([key, number]) => [valueText(key), number]);
        expect(new Map(texts as [string, number][])).toEqual(map);
      }),
    );
  });

  test.each(['an address', 'a text'])('can be walked while %s comes and goes', (kind) => {
    const name = (index: number) =>
      kind === 'a text' ? `user${index}` : `10.0.${index >> 8}.${index & 255}`;
    const values = new ValueMap();
    for (let index = 0; index < 2000; index += 1) values.set(name(index), index);
    const met = new Set<string>();
    for (const [key, number] of values.entries()) {
      const value = valueText(key);
      expect(met).not.toContain(value);
      expect(values.get(value)).toBe(number);
      met.add(value);
      if (number >= 2000) continue;
      values.delete(value);
      values.delete(name(number ^ 1));
      values.set(name(number + 2000), number + 2000);
    }
    for (let index = 0; index < 2000; index += 2) {
      expect(met.has(name(index)) || met.has(name(index + 1))).toBe(true);
    }
    expect(Array.from({ length: 2000 }, (_, index) => values.get(name(index)))).toEqual(
      Array.from({ length: 2000 }, () => undefined),
    );
  });
});
