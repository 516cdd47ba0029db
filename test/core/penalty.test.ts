import fc from 'fast-check';
import { expect, test } from 'vitest';
import { offencesLeft, type Penalty, penaltySeconds } from '../../src/core/penalty.ts';

const year = 31_622_400;

function penalty(changes: Partial<Penalty>): Penalty {
  return { steps: [120], factor: 1, capSeconds: year, decaySeconds: 0, jitter: 0, ...changes };
}

test.each<[string, Partial<Penalty>, number[]]>([
  ['a single time is for every offence', {}, [120, 120, 120]],
  ['a list gives each offence its own', { steps: [120, 600, 3600] }, [120, 600, 3600, 3600]],
  ['a factor multiplies', { factor: 3 }, [120, 360, 1080, 3240]],
  ['a factor goes on after a list', { steps: [60, 600], factor: 2 }, [60, 600, 1200, 2400]],
  ['the cap ends it', { factor: 10, capSeconds: 5000 }, [120, 1200, 5000, 5000]],
])('%s', (_, changes, seconds) => {
  const times = seconds.map((_second, index) => index + 1);
  expect(times.map((time) => penaltySeconds(penalty(changes), time, 0.999))).toEqual(seconds);
});

test('jitter adds a share and never exceeds the cap', () => {
  const jittery = penalty({ steps: [100], jitter: 0.5, capSeconds: 140 });
  expect([0, 0.5, 0.999].map((random) => penaltySeconds(jittery, 1, random))).toEqual([
    100, 125, 140,
  ]);
});

test.each([
  [0, 3],
  [3599, 3],
  [3600, 2],
  [7200, 1],
  [10_800, 0],
  [999_999, 0],
  [-500, 3],
])('%i quiet seconds leave %i of three offences with a decay of an hour', (quiet, left) => {
  const past = { times: 3, lastMs: 1_000_000 };
  expect(offencesLeft(past, penalty({ decaySeconds: 3600 }), 1_000_000 + quiet * 1000)).toBe(left);
});

test('without decay nothing is forgotten', () => {
  expect(offencesLeft({ times: 3, lastMs: 0 }, penalty({}), Number.MAX_SAFE_INTEGER)).toBe(3);
});

test('a further offence never makes a shorter block, and each is finite', () => {
  const seconds = fc.integer({ min: 1, max: 100_000 });
  const any = fc.record({
    steps: fc.array(seconds, { minLength: 1, maxLength: 5 }).map((s) => s.sort((a, b) => a - b)),
    factor: fc.double({ min: 1, max: 50, noNaN: true }),
    capSeconds: fc.integer({ min: 100_000, max: year }),
    decaySeconds: fc.constant(0),
    jitter: fc.constant(0),
  });
  fc.assert(
    fc.property(any, fc.integer({ min: 1, max: 1_000_000 }), (rule, times) => {
      const [now, next] = [penaltySeconds(rule, times, 0), penaltySeconds(rule, times + 1, 0)];
      expect(next).toBeGreaterThanOrEqual(now);
      expect(next).toBeLessThanOrEqual(rule.capSeconds);
    }),
  );
});
