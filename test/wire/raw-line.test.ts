import { expect, test } from 'vitest';
import { lineIs, RawLine } from '../../src/wire/raw-line.ts';
import { rawLine } from './raw-lines.ts';

test.each(['ip 192.0.2.1', '', 'user gr\u00fcn', 'a\0b'])('%j is the text of its bytes', (text) => {
  expect(rawLine(text).text).toBe(text);
});

test('one that is too long has no text', () => {
  expect(rawLine({ is: 'too long' }).text).toEqual({ is: 'too long' });
});

test('bytes that are not UTF-8 are kept apart from those that bring the next line', () => {
  const bytes = Buffer.from([0x61, 0xff, 0x62]);
  const line = Object.assign(new RawLine(), { bytes, end: 2, is: lineIs.otherBytes });
  const { text } = line;
  bytes.fill(0);
  expect(text).toEqual({ is: 'not UTF-8', bytes: Buffer.from([0x61, 0xff]) });
});
