import { describe, expect, test } from 'vitest';
import { RebuildPace } from '../../../src/enforcers/cdb/rebuild-pace.ts';
import type { Work } from '../../../src/runtime/work.ts';
import { HandTimers } from '../../runtime/hand-timers.ts';

function paceOf(rebuild: () => void = () => {}) {
  const timers = new HandTimers();
  const builtAt: number[] = [];
  const failures: unknown[] = [];
  function* work(): Work<void> {
    builtAt.push(timers.nowMs());
    yield;
    rebuild();
  }
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

test('an urgent request waits half a second at most, even when a slower rebuild is due', () => {
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

test('flush rebuilds at once when a rebuild is wanted, and otherwise does nothing', () => {
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

describe('while a rebuild goes on', () => {
  function held(rebuild: () => void = () => {}) {
    const made = paceOf(rebuild);
    made.timers.hold();
    made.pace.request();
    made.timers.advance(0);
    return made;
  }

  test('no other begins, and a request lands in the next, a second later', () => {
    const { timers, builtAt, pace } = held();
    for (let time = 0; time < 3; time += 1) {
      pace.request();
      timers.advance(5000);
    }
    expect(builtAt).toEqual([]);
    expect(pace.inMs).toBe(0);
    timers.release();
    expect(builtAt).toEqual([15_000]);
    expect(pace.inMs).toBe(1000);
    timers.advance(1000);
    timers.release();
    timers.advance(60_000);
    timers.release();
    expect(builtAt).toEqual([15_000, 16_000]);
  });

  test('flush abandons it and does everything at once', () => {
    const { timers, builtAt, pace } = held();
    pace.flush();
    expect(builtAt).toEqual([0]);
    timers.release();
    timers.advance(60_000);
    expect(builtAt).toEqual([0]);
  });

  test('stop abandons it', () => {
    const { timers, builtAt, pace } = held();
    pace.stop();
    timers.release();
    expect(builtAt).toEqual([]);
  });

  test('a request is served within a second also when it fails', () => {
    const { timers, builtAt, failures, pace } = held(() => {
      throw new Error('no');
    });
    pace.request();
    timers.release();
    expect([builtAt.length, failures.length]).toEqual([1, 1]);
    timers.advance(1000);
    timers.release();
    expect(builtAt).toEqual([0, 1000]);
  });
});

describe('settle', () => {
  test('does not wait when nothing is wanted', async () => {
    const { pace, builtAt } = paceOf();
    await pace.settle();
    expect(builtAt).toEqual([]);
  });

  test('waits for the rebuild that serves the request, which comes at once', async () => {
    const { timers, builtAt, pace } = paceOf();
    timers.hold();
    pace.request();
    timers.advance(0);
    const first = pace.settle();
    pace.request();
    let isSettled = false;
    const second = pace.settle().then(() => {
      isSettled = true;
    });
    timers.release();
    await first;
    expect([builtAt, isSettled]).toEqual([[0], false]);
    timers.advance(0);
    timers.release();
    await second;
    expect(builtAt).toEqual([0, 0]);
  });

  test('rejects when the rebuild fails', async () => {
    const { timers, pace } = paceOf(() => {
      throw new Error('no');
    });
    pace.request();
    const settled = pace.settle();
    timers.advance(0);
    await expect(settled).rejects.toThrow('no');
  });

  test('ends with a flush, too', async () => {
    const { timers, pace } = paceOf();
    timers.hold();
    pace.request();
    timers.advance(0);
    const first = pace.settle();
    pace.request();
    const second = pace.settle();
    pace.flush();
    await Promise.all([first, second]);
  });
});
