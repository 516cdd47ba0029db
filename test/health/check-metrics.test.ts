/** Every number that `prf` shows is correct, with a clock that the test moves. */
import { expect, test } from 'vitest';
import { CheckMetrics } from '../../src/health/check-metrics.ts';
import type { Reply } from '../../src/wire/reply.ts';

const within: Reply = { status: 0, count: 1, limit: 10 };
const exceeded: Reply = { status: 1, count: 11, limit: 10 };
const blocked: Reply = { status: 1, count: 11, limit: 10, secondsLeft: 5 };
const wrong: Reply = { status: 2, message: 'no' };

function site() {
  const time = { ms: 5000 };
  const performance = new CheckMetrics({ wallMs: () => 0, monotonicMs: () => time.ms });
  /** Checks that take so many microseconds each. */
  const check = (times: number, reply: Reply = within, us = 10, name?: string) => {
    for (let turn = 0; turn < times; turn += 1) {
      const readMs = time.ms;
      time.ms += us / 1000;
      performance.note(name, reply, readMs, time.ms);
    }
  };
  const rates = () => performance.measured().rates.map(({ perSecond }) => perSecond);
  return { performance, time, check, rates };
}

test('answers are counted by class and verdict', () => {
  const { performance, check } = site();
  check(3, within, 10, 'ip');
  check(2, exceeded, 10, 'user');
  check(1, blocked, 10, 'ip');
  check(4, wrong);
  check(1, wrong, 10, 'ip');
  expect(performance.measured()).toMatchObject({
    checks: 11,
    classes: [
      { name: 'ip', within: 3, exceeded: 0, blocked: 1, errors: 1 },
      { name: 'user', within: 0, exceeded: 2, blocked: 0, errors: 0 },
      { name: '-', within: 0, exceeded: 0, blocked: 0, errors: 4 },
    ],
  });
});

test('answer times are in buckets of powers of two', () => {
  const { performance, check } = site();
  for (const us of [0.5, 1.5, 3, 3, 5, 100, 1e9, 1e12]) check(1, within, us);
  expect(performance.measured().latencies).toEqual([
    { belowUs: 1, checks: 1 },
    { belowUs: 2, checks: 1 },
    { belowUs: 4, checks: 2 },
    { belowUs: 8, checks: 1 },
    { belowUs: 128, checks: 1 },
    { belowUs: 2 ** 30, checks: 1 },
    { belowUs: 2 ** 31, checks: 1 },
  ]);
});

test('answers that are timed together took an equal share of the time each', () => {
  const { performance, check } = site();
  for (const reply of [within, within, exceeded]) performance.count('ip', reply);
  performance.time(5000, 5000.03);
  check(1, within, 100, 'ip');
  expect(performance.measured()).toMatchObject({
    checks: 4,
    classes: [{ name: 'ip', within: 3, exceeded: 1 }],
    latencies: [
      { belowUs: 16, checks: 3 },
      { belowUs: 128, checks: 1 },
    ],
  });
});

test('rates are over whole past seconds', () => {
  const { time, check, rates } = site();
  check(30);
  expect(rates()).toEqual([undefined, undefined, undefined]);
  time.ms = 6000;
  expect(rates()).toEqual([30, undefined, undefined]);
  check(10);
  time.ms = 7000;
  expect(rates()).toEqual([10, undefined, undefined]);
  time.ms = 15_000;
  expect(rates()).toEqual([0, 4, undefined]);
  time.ms = 16_000;
  expect(rates()).toEqual([0, 1, undefined]);
  time.ms = 65_000;
  expect(rates()).toEqual([0, 0, 40 / 60]);
  time.ms = 66_000;
  expect(rates()).toEqual([0, 0, 10 / 60]);
});

test('a long silence clears the rates', () => {
  const { time, check, rates } = site();
  check(30);
  time.ms += 61_000 * 7;
  check(2);
  time.ms = Math.ceil(time.ms / 1000) * 1000;
  expect(rates()).toEqual([2, 0.2, 2 / 60]);
});
