/** Sorts in steps that take little time each, where `sort` would keep everybody waiting. */
import type { Work } from './work.ts';

/** How many are sorted or merged in a step. */
const atOnce = 500;

type Compare<T> = (a: T, b: T) => number;

/** A sorted copy; equal ones stay in their order. */
export function* sorting<T>(all: readonly T[], compare: Compare<T>): Work<T[]> {
  let runs: T[][] = [];
  for (let at = 0; at < all.length; at += atOnce) {
    runs.push(all.slice(at, at + atOnce).sort(compare));
    yield;
  }
  while (runs.length > 1) {
    const merged: T[][] = [];
    for (let at = 0; at < runs.length; at += 2) {
      merged.push(yield* merging(runs[at] ?? [], runs[at + 1] ?? [], compare));
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

function* merging<T>(first: readonly T[], second: readonly T[], compare: Compare<T>): Work<T[]> {
  const merged: T[] = [];
  let [left, right] = [0, 0];
  while (left < first.length && right < second.length) {
    const [a, b] = [first[left] as T, second[right] as T];
    const isFirst = compare(a, b) <= 0;
    if (isFirst) left += 1;
    else right += 1;
    if (merged.push(isFirst ? a : b) % atOnce === 0) yield;
  }
  return merged.concat(first.slice(left), second.slice(right));
}
