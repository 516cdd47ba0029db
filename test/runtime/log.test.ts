import { expect, test } from 'vitest';
import { fieldsText, printable, quoted } from '../../src/runtime/log.ts';

test.each([
  ['1.2.3.4', '1.2.3.4'],
  ['a b', '"a b"'],
  ['', '""'],
  ['a"b', '"a\\"b"'],
  ['a\nrater: info: forged', '"a\\nrater: info: forged"'],
  ['\u001b[2J\u009b1m', '"\\u001b[2J\\u009b1m"'],
  ['\u202e\u2028', '"\\u202e\\u2028"'],
  ['\u{e0041}', '"\\udb40\\udc41"'],
  ['x'.repeat(201), `"${'x'.repeat(200)}..."`],
])('%j is logged as %s', (text, expected) => {
  expect(quoted(text)).toBe(expected);
});

test('JSON keeps its meaning when it is made printable', () => {
  const texts = [
    '\u001b[2J',
    '\u009b2J',
    '\u202ea',
    '\u{e0041}',
    '\u2028',
    '\u007f',
    'grün \u{1f600}',
  ];
  const json = printable(JSON.stringify(texts));
  expect(json).toMatch(/^[ -~ü😀]*$/u);
  expect(JSON.parse(json)).toEqual(texts);
});

test('fields follow each other on one line, and undefined ones are left out', () => {
  expect(fieldsText({ address: '1.2.3.4', left: 3, who: undefined, why: 'a b' })).toBe(
    ' address=1.2.3.4 left=3 why="a b"',
  );
});
