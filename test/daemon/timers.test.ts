/** What `tmr` shows of the daemon's own timers. */
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { Timers } from '../../src/daemon/timers.ts';
import { gatekeeperSite } from '../gatekeeper-site.ts';

function started(sweepSeconds: number) {
  const { gatekeeper } = gatekeeperSite();
  const timers = new Timers(gatekeeper, systemClock);
  timers.start(sweepSeconds);
  onTestFinished(() => timers.stop());
  return timers;
}

test('reap, tend and sweep are always pending, each within its time', () => {
  const pending = new Map(
    started(180)
      .pending()
      .map(({ name, inMs }) => [name, inMs]),
  );
  expect([...pending.keys()].sort()).toEqual(['reap', 'sweep', 'tend']);
  expect(pending.get('reap')).toBeLessThanOrEqual(250);
  expect(pending.get('tend')).toBeLessThanOrEqual(5000);
  expect(pending.get('sweep')).toBeGreaterThan(5000);
  expect(pending.get('sweep')).toBeLessThanOrEqual(180_000);
});

test('what is done again and again is planned again before it is done', async () => {
  const timers = started(180);
  const names = await new Promise<string[]>((resolve) => {
    timers.every('twice', 5, () => resolve(timers.pending().map(({ name }) => name)));
  });
  expect(names).toContain('twice');
});

test('after stop nothing is pending', () => {
  const timers = started(180);
  timers.stop();
  expect(timers.pending()).toEqual([]);
});
