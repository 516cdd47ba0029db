import { expect, test } from 'vitest';
import { ClockSteps } from '../../src/blocks/clock-steps.ts';

function site() {
  const time = { wallMs: 1_000_000, monotonicMs: 5.25 };
  const told: number[] = [];
  const clock = { wallMs: () => time.wallMs, monotonicMs: () => time.monotonicMs };
  const pass = (ms: number) => {
    time.wallMs += ms;
    time.monotonicMs += ms;
  };
  return { time, told, clock, pass, steps: new ClockSteps(clock, (ms) => told.push(ms)) };
}

test('each setting of the date is reported once, forward and back', () => {
  const { time, told, pass, steps } = site();
  for (const ms of [3_600_000, -7_200_000, 2001]) {
    pass(60_000.3);
    time.wallMs += ms;
    time.monotonicMs += 0.1;
    expect(steps.nowMs()).toBe(time.wallMs);
    steps.nowMs();
  }
  expect(told).toEqual([3_600_000, -7_200_000, 2001]);
});

test('neither passing time nor small corrections of the date are a step', () => {
  const { time, told, pass, steps } = site();
  for (let turn = 0; turn < 100; turn += 1) {
    pass(3_600_000);
    time.wallMs += 1999;
    steps.nowMs();
  }
  expect(told).toEqual([]);
});

test('a process that was stopped between two readings sees no step', () => {
  const { time, clock, pass } = site();
  const told: number[] = [];
  let isStopped = false;
  const wallMs = () => {
    const read = time.wallMs;
    if (isStopped) pass(3_600_000);
    isStopped = false;
    return read;
  };
  const steps = new ClockSteps({ ...clock, wallMs }, (ms) => told.push(ms));
  isStopped = true;
  expect(steps.nowMs()).toBe(time.wallMs);
  steps.nowMs();
  expect(told).toEqual([]);
});
