import { expect, test } from 'vitest';
import { judge } from '../../src/core/judge.ts';
import type { Rate } from '../../src/core/limits.ts';

const rate = (count: number, seconds = 60): Rate => ({ count, seconds });

test.each<[string, Rate[], number[], 'within' | 'exceeded', number]>([
  ['the limit itself is within', [rate(10)], [10], 'within', 0],
  ['one more is exceeded', [rate(10)], [11], 'exceeded', 0],
  ['-1 is never exceeded', [rate(-1)], [1_000_000], 'within', 0],
  ['0 is always exceeded', [rate(0)], [1], 'exceeded', 0],
  ['the exceeded one of two is shown', [rate(10), rate(100, 3600)], [3, 101], 'exceeded', 1],
  ['otherwise the fuller one is shown', [rate(10), rate(100, 3600)], [3, 20], 'within', 0],
  ['a limit of 0 beats any other', [rate(100), rate(0)], [150, 1], 'exceeded', 1],
  ['an unlimited one is shown last', [rate(-1), rate(10)], [500, 0], 'within', 1],
])('%s', (_, rates, counts, verdict, shown) => {
  expect(judge(rates, counts)).toEqual({ verdict, count: counts[shown], rate: rates[shown] });
});
