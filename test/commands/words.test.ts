/** Times in words say what they are, not the nearest unit. */
import { expect, test } from 'vitest';
import { duration, secondsIn, shortDuration } from '../../src/commands/words.ts';
import { quoted } from '../../src/runtime/log.ts';

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
  expect(shortDuration(seconds * 1000)).toBe(words.replace(/ (.).*/, '$1'));
});

test.each([
  ['1', 1],
  ['90', 90],
  ['90s', 90],
  ['15m', 900],
  ['2h', 7200],
  ['1d', 86_400],
  ['2w', 14 * 86_400],
  ['366d', 366 * 86_400],
])('%s is a time of %i seconds', (text, seconds) => {
  expect(secondsIn(text)).toBe(seconds);
});

test.each([
  ...[
    '',
    ' ',
    ' 1h',
    '1h ',
    '1 h',
    '1H',
    '1M',
    '1y',
    '1.5h',
    '.5h',
    '+1h',
    '-1h',
    '0',
    '0w',
    '1hour',
  ],
  ...['367d', '53w', '1e3', '0x10', '9'.repeat(400), '1h\n', '\u0661h', 'ever', 'NaN'],
])('%j is no time, and the mistake names it and the units', (text) => {
  const units = 'write seconds, or a number with s, m, h, d or w, as in 90s';
  expect(() => secondsIn(text)).toThrow(
    `not a time between 1s and 366d: ${quoted(text)}; ${units}`,
  );
});
