import { expect, test } from 'vitest';
import { fieldsText, quoted } from '../src/log.ts';

test.each([
  ['1.2.3.4', '1.2.3.4'],
  ['a b', '"a b"'],
  ['', '""'],
  ['a"b', '"a\\"b"'],
  ['a\nrater: info: forged', '"a\\nrater: info: forged"'],
  ['\u001b[2J\u009b1m', '"\\u001b[2J\\u009b1m"'],
  ['\u202e\u2028', '"\\u202e\\u2028"'],
  ['x'.repeat(201), `"${'x'.repeat(200)}..."`],
])('%j is logged as %s', (text, expected) => {
  expect(quoted(text)).toBe(expected);
});

test('fields follow each other on one line, and what is undefined is left out', () => {
  expect(fieldsText({ address: '1.2.3.4', left: 3, who: undefined, why: 'a b' })).toBe(
    ' address=1.2.3.4 left=3 why="a b"',
  );
});
