import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sorting } from '../../src/runtime/sorting.ts';
import { doNow } from '../../src/runtime/work.ts';

type Numbered = { readonly key: number; readonly at: number };

const byKey = (a: Numbered, b: Numbered) => a.key - b.key;

function numbered(keys: readonly number[]): Numbered[] {
  return keys.map((key, at) => ({ key, at }));
}

test('sorts as sort does, equal ones in their order, however many there are', () => {
  const keys = fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 40 });
  fc.assert(
    fc.property(keys, fc.integer({ min: 1, max: 60 }), (some, times) => {
      const all = numbered(Array.from({ length: times }, () => some).flat());
      expect(doNow(sorting(all, byKey))).toEqual(all.toSorted(byKey));
    }),
  );
});

test('a step is short: it sorts or merges a part of them', () => {
  const all = numbered(Array.from({ length: 10_000 }, (_, at) => (at * 7919) % 10_000));
  let compared = 0;
  const work = sorting(all, (a, b) => {
    compared += 1;
    return byKey(a, b);
  });
  let most = 0;
  for (let last = 0; !work.next().done; last = compared) most = Math.max(most, compared - last);
  expect(most).toBeLessThan(10_000);
});
