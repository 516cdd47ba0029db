/** Times in words say what they are, not the nearest unit. */
import { expect, test } from 'vitest';
import { duration } from '../../src/commands/words.ts';

test.each([
  [-5, '0 seconds'],
  [0, '0 seconds'],
  [1, '1 second'],
  [60, '60 seconds'],
  [99, '99 seconds'],
  [100, '100 seconds'],
  [118, '2 minutes'],
  [120, '2 minutes'],
  [1000, '17 minutes'],
  [3600, '1 hour'],
  [5399, '90 minutes'],
  [5400, '90 minutes'],
  [7199, '2 hours'],
  [86_399, '1 day'],
  [36 * 3600, '36 hours'],
  [7 * 86_400 - 1, '7 days'],
  [366 * 86_400, '366 days'],
])('%i seconds are %s', (seconds, words) => {
  expect(duration(seconds * 1000)).toBe(words);
});
