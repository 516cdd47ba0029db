/** The most frequent values are found in bounded memory, and how wrong it may be is told. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TopValues } from '../../src/report/top-values.ts';

function noted(values: readonly number[], room?: number): TopValues {
  const top = new TopValues(() => undefined, room);
  for (const value of values) top.note(value).connections += 1;
  return top;
}

const all = (top: TopValues) => top.most(({ connections }) => connections, 1e6);

test('all is exact while there is room', () => {
  const top = noted([1, 2, 1, 3, 1, 2], 3);
  expect(top.mostMissed).toBe(0);
  expect(all(top).map(({ value, connections }) => [value, connections])).toEqual([
    [1, 3],
    [2, 2],
    [3, 1],
  ]);
  expect(top.most(({ connections }) => connections, 2)).toHaveLength(2);
  expect(top.most(({ refused }) => refused, 2)).toEqual([]);
});

test('whatever comes, little is kept, nothing is counted twice, and no frequent value is missing', () => {
  const skewed = fc.nat(200).map((number) => Math.floor(number ** 2 / 200));
  fc.assert(
    fc.property(
      fc.array(skewed, { maxLength: 2000 }),
      fc.integer({ min: 1, max: 20 }),
      (values, room) => {
        const top = noted(values, room);
        expect(top.size).toBeLessThanOrEqual(2 * room);
        expect(top.mostMissed).toBeLessThanOrEqual(values.length / room);
        const real = new Map<number, number>();
        for (const value of values) real.set(value, (real.get(value) ?? 0) + 1);
        const kept = new Map(all(top).map((tally) => [tally.value, tally]));
        for (const [value, count] of real) {
          const tally = kept.get(value);
          if (!tally) expect(count).toBeLessThanOrEqual(top.mostMissed);
          else {
            expect(tally.connections).toBeLessThanOrEqual(count);
            expect(tally.connections + tally.missed).toBeGreaterThanOrEqual(count);
          }
        }
      },
    ),
  );
});
