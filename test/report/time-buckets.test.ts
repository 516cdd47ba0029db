/** Buckets of time stay few and lose nothing. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mostBuckets, TimeBuckets } from '../../src/report/time-buckets.ts';

const startMs = Date.UTC(2026, 0, 31, 8, 5, 46);
const minuteMs = 60_000;

test('what happens in one minute is in one bucket, and empty ones between are told', () => {
  const buckets = new TimeBuckets();
  buckets.at(startMs).connections += 1;
  buckets.at(startMs + 3 * minuteMs).refused += 2;
  buckets.at(startMs + 10_000).blocks += 3;
  const firstMs = Date.UTC(2026, 0, 31, 8, 5);
  const none = { connections: 0, refused: 0, blocks: 0 };
  expect(buckets.all()).toEqual([
    { ...none, atMs: firstMs, connections: 1, blocks: 3 },
    { ...none, atMs: firstMs + minuteMs },
    { ...none, atMs: firstMs + 2 * minuteMs },
    { ...none, atMs: firstMs + 3 * minuteMs, refused: 2 },
  ]);
});

test('without anything there is no bucket', () => {
  expect(new TimeBuckets().all()).toEqual([]);
});

test('in any order, for any time, there are few buckets, and each instant is counted in its own', () => {
  const instants = fc.array(fc.integer({ min: -4e12, max: 4e12 }), { minLength: 1 });
  const near = fc.array(fc.integer({ min: 0, max: 9e8 }), { minLength: 1 });
  fc.assert(
    fc.property(fc.oneof(instants, near), (offsets) => {
      const buckets = new TimeBuckets();
      for (const offset of offsets) buckets.at(startMs + offset).connections += 1;
      const all = buckets.all();
      expect(all.length).toBeLessThanOrEqual(mostBuckets);
      const counted = all.map(({ atMs }) => {
        const inIt = offsets.filter((offset) => {
          const at = startMs + offset;
          return at >= atMs && at < atMs + buckets.widthMs;
        });
        return inIt.length;
      });
      expect(all.map(({ connections }) => connections)).toEqual(counted);
    }),
  );
});

test('buckets are no finer than what is counted', () => {
  const buckets = new TimeBuckets(60 * minuteMs);
  buckets.at(startMs).connections += 1;
  buckets.at(startMs + 30 * minuteMs).connections += 1;
  expect(buckets.all()).toHaveLength(1);
});
