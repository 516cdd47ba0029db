/** Numbers are legible, and never say nothing or all when that is not so. */
import { expect, test } from 'vitest';
import { compact, grouped, percent, shortened } from '../../src/report/figures.ts';

test.each([
  [0, '0'],
  [999, '999'],
  [1000, '1,000'],
  [10_000_000, '10,000,000'],
])('%i is grouped as %s', (count, text) => {
  expect(grouped(count)).toBe(text);
});

test.each([
  [0, '0'],
  [999, '999'],
  [1000, '1.0k'],
  [1500, '1.5k'],
  [9949, '9.9k'],
  [9999, '9.9k'],
  [10_999, '10k'],
  [123_456, '123k'],
  [2_500_000, '2.5M'],
  [4_000_000_000, '4.0G'],
])('%i is %s where there is little room', (count, text) => {
  expect(compact(count)).toBe(text);
});

test.each([
  [0, 0, '0 %'],
  [0, 7, '0 %'],
  [7, 7, '100 %'],
  [1, 8, '12.5 %'],
  [1, 1e6, 'under 0.1 %'],
  [999_999, 1e6, '99.9 %'],
])('%i of %i are %s', (part, whole, text) => {
  expect(percent(part, whole)).toBe(text);
});

test('what is too long loses its middle', () => {
  expect(shortened('192.0.2.1', 9)).toBe('192.0.2.1');
  expect(shortened('2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff', 11)).toBe('2001:…:ffff');
});
