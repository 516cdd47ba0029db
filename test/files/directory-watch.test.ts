import { expect, test } from 'vitest';
import { DirectoryWatch } from '../../src/files/directory-watch.ts';
import { HandTimers } from '../runtime/hand-timers.ts';

function site() {
  const timers = new HandTimers();
  const told: number[] = [];
  const troubles: unknown[] = [];
  const watch = new DirectoryWatch({
    directory: '/nonexistent',
    onEvent: () => {},
    onRest: () => told.push(timers.nowMs()),
    onTrouble: (error) => troubles.push(error),
    onMended: () => {},
    timers,
  });
  return { timers, told, troubles, watch };
}

test('it reports once, when nothing has happened for a while', () => {
  const { timers, told, watch } = site();
  for (let event = 0; event < 4; event += 1) {
    watch.note('192.0.2.1');
    timers.advance(100);
  }
  timers.advance(1000);
  expect(told).toEqual([450]);
  expect(watch.take()).toEqual(new Set(['192.0.2.1']));
  expect(watch.take()).toEqual(new Set());
});

test('when something happens all the time it reports every second', () => {
  const { timers, told, watch } = site();
  for (let event = 0; event < 25; event += 1) {
    watch.note('192.0.2.1');
    timers.advance(100);
  }
  expect(told).toEqual([1000, 2000]);
});

test('names of no use are passed over, and too many names are none', () => {
  const { timers, told, watch } = site();
  watch.note('..192.0.2.1.ipthrottle');
  timers.advance(1000);
  expect([told, watch.take()]).toEqual([[], new Set()]);
  for (let name = 0; name <= 10_000; name += 1) watch.note(String(name));
  expect(watch.take()).toBeUndefined();
  watch.note(null);
  expect(watch.take()).toBeUndefined();
});

test('a directory that cannot be watched is reported, and after close nothing is', () => {
  const { timers, told, troubles, watch } = site();
  watch.arm();
  expect([troubles.length, watch.isArmed]).toEqual([1, false]);
  watch.note('192.0.2.1');
  watch.close();
  timers.advance(1000);
  expect(told).toEqual([]);
});
