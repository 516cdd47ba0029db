/** A table with sentences at a narrow terminal. */
import { expect, test } from 'vitest';
import { textLines } from '../../src/commands/words.ts';

const table = [
  ['VALUE', 'WHAT'],
  ['192.0.2.1', 'short'],
  ['192.0.2.100', 'a sentence that has more words than fit'],
  ['192.0.2.2', 'x'.repeat(40)],
];

test('the last cells that do not fit go below the others, cut at blanks', () => {
  expect(textLines([{ table, wraps: true }], 30)).toEqual([
    'VALUE        WHAT',
    '192.0.2.1    short',
    '192.0.2.100',
    '    a sentence that has more',
    '    words than fit',
    '192.0.2.2',
    `    ${'x'.repeat(26)}`,
    `    ${'x'.repeat(14)}`,
  ]);
});

test('no terminal, or none that is too narrow, changes nothing', () => {
  const lines = textLines([{ table }]);
  expect(lines).toHaveLength(4);
  expect(textLines([{ table, wraps: true }])).toEqual(lines);
  expect(textLines([{ table, wraps: true }], 60)).toEqual(lines);
  expect(textLines([{ table }], 10)).toEqual(lines);
});
