import { expect, test } from 'vitest';
import { RebuildPace } from '../../src/enforcers/rebuild-pace.ts';
import { HandTimers } from './hand-timers.ts';

function paceOf(rebuild: () => void = () => {}) {
  const timers = new HandTimers();
  const builtAt: number[] = [];
  const failures: unknown[] = [];
  const work = () => {
    builtAt.push(timers.nowMs());
    rebuild();
  };
  return {
    timers,
    builtAt,
    failures,
    pace: new RebuildPace(work, (error) => failures.push(error), timers),
  };
}

test('the first rebuild comes at once, but after this turn, and only once', () => {
  const { timers, builtAt, pace } = paceOf();
  pace.request();
  pace.request();
  expect(builtAt).toEqual([]);
  timers.advance(0);
  expect(builtAt).toEqual([0]);
  timers.advance(60_000);
  expect(builtAt).toEqual([0]);
});

test('under attack there is one rebuild a second', () => {
  const { timers, builtAt, pace } = paceOf();
  for (let ms = 0; ms < 3500; ms += 10) {
    pace.request();
    timers.advance(10);
  }
  timers.advance(60_000);
  expect(builtAt).toEqual([0, 1000, 2000, 3000, 4000]);
});

test('what is urgent waits half a second at most, also when a slower rebuild is due', () => {
  const { timers, builtAt, pace } = paceOf();
  pace.request();
  timers.advance(100);
  pace.request();
  pace.request(true);
  pace.request();
  timers.advance(60_000);
  expect(builtAt).toEqual([0, 500]);
});

test('after a quiet second a rebuild comes at once again', () => {
  const { timers, builtAt, pace } = paceOf();
  pace.request();
  timers.advance(5000);
  pace.request();
  timers.advance(0);
  expect(builtAt).toEqual([0, 5000]);
});

test('flush rebuilds now what is wanted, and otherwise nothing', () => {
  const { timers, builtAt, pace } = paceOf();
  pace.flush();
  pace.request();
  pace.flush();
  pace.flush();
  timers.advance(60_000);
  expect(builtAt).toEqual([0]);
});

test('a rebuild that fails in a timer is reported and tried again after five seconds', () => {
  let broken = true;
  const { timers, builtAt, failures, pace } = paceOf(() => {
    if (broken) throw new Error('no');
  });
  pace.request();
  timers.advance(5000);
  expect(failures.length).toBe(2);
  broken = false;
  timers.advance(60_000);
  expect(builtAt).toEqual([0, 5000, 10_000]);
});

test('after a failure, a request is served within a second', () => {
  const { timers, builtAt, pace } = paceOf(() => {
    throw new Error('no');
  });
  pace.request();
  timers.advance(100);
  pace.request();
  timers.advance(900);
  expect(builtAt).toEqual([0, 1000]);
});

test('a flush that fails throws, and leaves the rebuild wanted', () => {
  const { timers, builtAt, failures, pace } = paceOf(() => {
    throw new Error('no');
  });
  pace.request();
  expect(() => pace.flush()).toThrow('no');
  expect(() => pace.flush()).toThrow('no');
  expect(failures).toEqual([]);
  timers.advance(5000);
  expect(builtAt).toEqual([0, 0, 5000]);
});

test('after stop nothing happens by itself', () => {
  const { timers, builtAt, pace } = paceOf();
  pace.request();
  pace.stop();
  pace.request();
  timers.advance(60_000);
  expect(builtAt).toEqual([]);
});
