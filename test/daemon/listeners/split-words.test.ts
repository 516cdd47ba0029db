import fc from 'fast-check';
import { expect, test } from 'vitest';
import { splitWords } from '../../../src/daemon/listeners/split-words.ts';

test.each([
  ['', []],
  ['  \t ', []],
  ['list', ['list']],
  ['  a\tb  c ', ['a', 'b', 'c']],
  ['"a b" c', ['a b', 'c']],
  ["'a b' c", ['a b', 'c']],
  ['a"b c"d', ['ab cd']],
  [`"it's" '"'`, ["it's", '"']],
  ['""', ['']],
  ["'' x", ['', 'x']],
  ['a\\ b', ['a b']],
  ['"a\\"b\\\\"', ['a"b\\']],
  ["'a\\'", ['a\\']],
  ['\\"', ['"']],
  ['$HOME `id` *', ['$HOME', '`id`', '*']],
  ['"grüße \u{1f600}"', ['grüße \u{1f600}']],
])('%j is the words %j', (line, words) => {
  expect(splitWords(line)).toEqual(words);
});

test.each([
  ['"a b', 'a quote is not closed: "'],
  ["it's", "a quote is not closed: '"],
  ['"a\\"', 'a quote is not closed: "'],
  ['a \\', 'nothing follows the last backslash'],
  ['"a\\', 'nothing follows the last backslash'],
])('%j is refused, because %s', (line, why) => {
  expect(splitWords(line)).toBe(why);
});

test('any words survive quoting', () => {
  const single = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;
  const double = (word: string) => `"${word.replace(/["\\]/g, '\\$&')}"`;
  const bare = (word: string) => word.replace(/["'\\ \t]/gu, '\\$&') || '""';
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), fc.constantFrom(single, double, bare))),
      (words) => {
        const line = words.map(([word, quote]) => quote(word)).join(' ');
        expect(splitWords(line)).toEqual(words.map(([word]) => word));
      },
    ),
  );
});
