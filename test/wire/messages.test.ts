/** Tests: src/wire/reply.ts, src/wire/request.ts */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { errorReply, parseReply, type Reply, replyLine } from '../../src/wire/reply.ts';
import { parseRequest, requestLine } from '../../src/wire/request.ts';

test.each<[string, unknown]>([
  ['ip 1.2.3.4', { class: 'ip', value: '1.2.3.4', isSession: false }],
  ['+ip 1.2.3.4', { class: 'ip', value: '1.2.3.4', isSession: true }],
  ['user a b  c ', { class: 'user', value: 'a b  c ', isSession: false }],
  ['user é', { class: 'user', value: 'é', isSession: false }],
  ['user', 'Bad input (no space)'],
  ['', 'Bad input (no space)'],
  [' x', 'Bad input (no class)'],
  ['user ', 'Bad input (no value)'],
])('the request %j', (line, expected) => {
  expect(parseRequest(line)).toEqual(expected);
});

test('bytes that are not UTF-8 are refused, so that two values never become one', () => {
  expect(parseRequest({ is: 'not UTF-8', bytes: Buffer.of(0xff) })).toBe('Bad input (not UTF-8)');
  expect(parseRequest({ is: 'too long' })).toBe('Line is too long');
});

test.each([
  ['a b', 'x'],
  ['', 'x'],
  ['a', ''],
  ['a', 'x\ny'],
  ['a', 'x\r'],
  ['a', 'x\0'],
  ['+a', 'x'],
])('class %j with value %j cannot be sent', (name, value) => {
  expect(requestLine({ class: name, value, isSession: false })).toBeUndefined();
});

test('what is sent is what arrives', () => {
  const word = fc.stringMatching(/^[a-z]{1,8}$/);
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(word, text, fc.boolean(), (name, value, isSession) => {
      const request = { class: name, value, isSession };
      const line = requestLine(request);
      fc.pre(line !== undefined);
      expect(parseRequest(line.slice(0, -1))).toEqual(request);
    }),
  );
});

test.each<[Reply, string]>([
  [{ status: 0, count: 3, limit: 10 }, '0 3/10\r\n'],
  [{ status: 0, count: 3, limit: -1 }, '0 3/-\r\n'],
  [{ status: 1, count: 12, limit: 10 }, '1 12/10\r\n'],
  [{ status: 1, count: 12, limit: 10, secondsLeft: 118 }, '1 12/10 118\r\n'],
  [{ status: 2, message: 'no' }, '2 no\r\n'],
])('%j is the line %j, both ways', (reply, line) => {
  expect(replyLine(reply)).toBe(line);
  expect(parseReply(line.trimEnd())).toEqual(reply);
});

test.each(['', '0', '3 1/2', '0 1/2 3 4', '1 -1/2', 'hello', '0 1/2x'])(
  '%j is not a reply',
  (line) => {
    expect(parseReply(line)).toBeUndefined();
  },
);

test('an error shows what came in, quoted and capped', () => {
  const line = replyLine(errorReply('Class not found', `a\r\n0 1/1\u001b[2J${'x'.repeat(5000)}`));
  expect(line).toMatch(/^2 Class not found: "a\\r\\n0 1\/1\\u001b\[2Jx+\.\.\."\r\n$/);
  expect(line.length).toBeLessThan(310);
});
