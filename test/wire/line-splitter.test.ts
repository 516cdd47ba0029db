import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineSplitter, longestLine } from '../../src/wire/line-splitter.ts';
import type { Line } from '../../src/wire/raw-line.ts';

const shown = (line: Line | undefined) => (typeof line === 'object' ? line.is : line);

function split(...chunks: (string | Buffer)[]) {
  const splitter = new LineSplitter();
  return chunks.flatMap((chunk) => splitter.push(Buffer.from(chunk)).map(shown));
}

const long = 'x'.repeat(longestLine);
const bytes = (text: string) => Buffer.from(text);
const other = Buffer.from([0x61, 0xff, 0x0a]);
const [cutA, cutB] = [bytes('é\n').subarray(0, 1), bytes('é\n').subarray(1)];

test.each([
  ['LF and CRLF both end a line', ['a\nb\r\nc\n'], ['a', 'b', 'c']],
  ['a line may come in pieces', ['ip 1.', '2.3.4', '\r', '\n'], ['ip 1.2.3.4']],
  ['an empty line is a line', ['\n\r\n'], ['', '']],
  ['a CR inside is kept', ['a\rb\n'], ['a\rb']],
  ['an unfinished line waits', ['a\nb'], ['a']],
  ['the longest line passes', [`${long}\n`, `${long}\r\n`], [long, long]],
  ['one byte more is too long', [`${long}y\na\n`], ['too long', 'a']],
  ['also in pieces', [long, 'yy', 'zz\na\n'], ['too long', 'a']],
  ['an overlong line is reported once', [long, long, long, '\nb\n'], ['too long', 'b']],
  ['a line that is not UTF-8 is reported', [other, 'a\n', cutA, cutB], ['not UTF-8', 'a', 'é']],
  [
    'and does not harm its neighbours',
    ['a\n', Buffer.concat([bytes('é\n'), other])],
    ['a', 'é', 'not UTF-8'],
  ],
])('%s', (_, chunks, lines) => {
  expect(split(...chunks)).toEqual(lines);
});

test('lines can be taken one at a time, and what is fed meanwhile comes after them', () => {
  const splitter = new LineSplitter();
  splitter.feed(Buffer.from('a\nb\nc'));
  expect(splitter.next()?.text).toBe('a');
  splitter.feed(Buffer.from('c\nd'));
  expect([splitter.next()?.text, splitter.next()?.text]).toEqual(['b', 'cc']);
  expect([splitter.next(), splitter.unfinished]).toEqual([undefined, true]);
  splitter.feed(Buffer.from('\n'));
  expect(splitter.next()?.text).toBe('d');
});

test('gives no lines of what is dropped', () => {
  const splitter = new LineSplitter();
  splitter.feed(Buffer.from('a\nb\nc'));
  expect(splitter.next()?.text).toBe('a');
  splitter.drop();
  expect(splitter.push(Buffer.from('d\n'))).toEqual(['d']);
});

test('knows whether a line has begun and not ended', () => {
  const splitter = new LineSplitter();
  const after = (text: string) => {
    Array.from(splitter.push(Buffer.from(text)));
    return splitter.unfinished;
  };
  expect([after('a\n'), after('b'), after('c\n'), after(long + long), after('\n')]).toEqual([
    false,
    true,
    false,
    true,
    false,
  ]);
});

test('however the bytes are cut, the lines are the same', () => {
  const texts = fc.array(
    fc.constantFrom('ip 1.2.3.4\n', 'a\r\n', '\n', `${long}z\n`, 'é\n', '\xff\n'),
  );
  fc.assert(
    fc.property(texts, fc.array(fc.integer({ min: 1, max: 700 })), (parts, cuts) => {
      const bytes = Buffer.from(parts.join(''), 'latin1');
      const chunks: Buffer[] = [];
      let at = 0;
      for (let turn = 0; at < bytes.length; turn += 1) {
        const size = cuts.length > 0 ? (cuts[turn % cuts.length] as number) : bytes.length;
        chunks.push(bytes.subarray(at, at + size));
        at += size;
      }
      expect(split(...chunks)).toEqual(split(bytes));
    }),
  );
});

test('Guarantee: a line without an end takes no more memory than the longest one', () => {
  const splitter = new LineSplitter();
  const chunk = Buffer.alloc(1 << 20, 'x');
  const before = process.memoryUsage().arrayBuffers;
  for (let sent = 0; sent < 32; sent += 1) expect(splitter.push(chunk)).toEqual([]);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(chunk.length);
});
