import { expect, test } from 'vitest';
import { ProgressLine } from '../../src/cli/progress-line.ts';

/** A line on something that is a terminal or not, at the times of `clock`. */
function line(isTTY: boolean) {
  const written: string[] = [];
  const clock = { nowMs: 0, wallMs: () => 0, monotonicMs: () => clock.nowMs };
  const terminal = { isTTY, write: (text: string) => written.push(text) };
  return { written, clock, progress: new ProgressLine(terminal, clock) };
}

const mebi = 1 << 20;

test('a terminal shows nothing in the first second, then how far it is, and in the end no trace', () => {
  const { written, clock, progress } = line(true);
  progress.show(mebi, 4 * mebi);
  clock.nowMs = 999;
  progress.show(mebi, 4 * mebi);
  expect(written).toEqual([]);
  clock.nowMs = 2000;
  progress.show(3 * mebi, 4 * mebi);
  const bar = `[${'#'.repeat(23)}${'.'.repeat(7)}]`;
  expect(written).toEqual([`\r${bar} 75 % 3.0 MiB, 1.5 MiB/s\u001b[K`]);
  // Not more often than can be read.
  clock.nowMs = 2100;
  progress.show(4 * mebi, 4 * mebi);
  expect(written).toHaveLength(1);
  progress.clear();
  expect(written.at(-1)).toBe('\r\u001b[K');
});

test('of standard input nobody knows how long it is', () => {
  const { written, clock, progress } = line(true);
  clock.nowMs = 2000;
  progress.show(3 * mebi, 0);
  expect(written).toEqual(['\r3.0 MiB, 1.5 MiB/s\u001b[K']);
});

test('what ends within a second, and what is no terminal, gets nothing', () => {
  const short = line(true);
  short.progress.clear();
  expect(short.written).toEqual([]);
  const { written, clock, progress } = line(false);
  clock.nowMs = 5000;
  progress.show(1, 2);
  progress.clear();
  expect(written).toEqual([]);
});
