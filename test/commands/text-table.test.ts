/**
 * Tables on screens of every width.
 *
 * Tests: src/commands/wrap-text.ts
 * Tests: src/commands/display-width.ts, src/commands/answer-text.ts, src/commands/screen.ts
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { textPieces } from '../../src/commands/answer-text.ts';
import type { Line, Table } from '../../src/commands/command.ts';
import { displayWidth } from '../../src/commands/display-width.ts';
import { endlessPaper, type Screen } from '../../src/commands/screen.ts';

function shown(line: Line, screen: Partial<Screen> = {}): string[] {
  const text = [...textPieces([line], { ...endlessPaper, ...screen })].join('');
  return text.split('\n').slice(0, -1);
}

const hour = 3_600_000;
const table: Table = {
  columns: [
    { name: 'ADDRESS' },
    { name: 'LEFT', shows: 'duration', rank: 1 },
    { name: 'TIMES', rank: 3 },
    { name: 'REASON', rank: 2, least: 8 },
  ],
  rows: [
    ['192.0.2.1', 168 * hour, 1, 'a spam run without an end'],
    ['2001:db8::/64', 90 * 60_000, 12, '-'],
  ],
  footer: '2 blocks',
};

test.each([
  [
    Number.POSITIVE_INFINITY,
    'ADDRESS        LEFT  TIMES  REASON',
    '192.0.2.1      7d    1      a spam run without an end',
    '2001:db8::/64  90m   12     -',
  ],
  [
    40,
    'ADDRESS        LEFT  TIMES  REASON',
    '192.0.2.1      7d    1      a spam ru...',
    '2001:db8::/64  90m   12     -',
  ],
  [
    35,
    'ADDRESS        LEFT  REASON',
    '192.0.2.1      7d    a spam run ...',
    '2001:db8::/64  90m   -',
  ],
  [28, 'ADDRESS        LEFT  TIMES', '192.0.2.1      7d    1', '2001:db8::/64  90m   12'],
  [19, 'ADDRESS        LEFT', '192.0.2.1      7d', '2001:db8::/64  90m'],
  [3, 'ADDRESS', '192.0.2.1', '2001:db8::/64'],
])('in %d columns texts are cut and columns left out by their rank', (width, ...lines) => {
  expect(shown(table, { width })).toEqual(lines);
});

test('texts that go below their rows are broken at blanks, and nothing of them is left out', () => {
  const story: Table = {
    columns: [{ name: 'VALUE' }, { name: 'WHAT', least: 8, goesBelow: true }],
    rows: [
      ['192.0.2.1', 'short'],
      ['192.0.2.100', 'a sentence that has more words than fit'],
      ['192.0.2.2', 'x'.repeat(40)],
    ],
  };
  expect(shown(story, { width: 30 })).toEqual([
    'VALUE        WHAT',
    '192.0.2.1    short',
    '192.0.2.100',
    '    a sentence that has more',
    '    words than fit',
    '192.0.2.2',
    `    ${'x'.repeat(26)}`,
    `    ${'x'.repeat(14)}`,
  ]);
  expect(shown(story)).toHaveLength(4);
  expect(shown(story, { width: 14 })).toEqual([
    'VALUE',
    '192.0.2.1',
    '    short',
    ...['192.0.2.100', '    a sentence that has', '    more words than fit'],
    ...['192.0.2.2', `    ${'x'.repeat(20)}`, `    ${'x'.repeat(20)}`],
  ]);
});

test('no line is longer than the screen is wide, whatever the cells and whoever wrote them', () => {
  const text = fc.string({ unit: 'binary', maxLength: 30 });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(text, text), { maxLength: 5 }),
      fc.integer({ min: 30, max: 90 }),
      (rows, width) => {
        const columns = [
          { name: 'FIRST' },
          { name: 'SECOND', rank: 1, least: 10 },
          { name: 'THIRD', rank: 2 },
        ];
        const all = rows.map(([cut, whole]) => ['192.0.2.1', cut, whole]);
        const lines = shown({ columns, rows: all }, { width });
        expect(lines).toHaveLength(rows.length + 1);
        for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width);
      },
    ),
  );
});

test('columns are aligned under characters of any width', () => {
  const rows = [
    ['日本語', 'x'],
    ['e\u0301', 'x'],
    ['\u001b[2J', 'x'],
  ];
  expect(shown({ columns: [{ name: 'A' }, { name: 'B' }], rows })).toEqual([
    'A          B',
    '日本語     x',
    'e\u0301          x',
    '\\u001b[2J  x',
  ]);
});

test('the heading comes again on each screen of a terminal, and the footer is for terminals', () => {
  const rows = Array.from({ length: 7 }, (_, at) => [`row ${at}`]);
  const one: Table = { columns: [{ name: 'ROW' }], rows, footer: '7 rows' };
  const lines = shown(one, { height: 5, isTerminal: true });
  expect(lines.map((line) => line.slice(-1)).join('')).toBe('W012W345W6s');
  expect(shown(one)).toHaveLength(8);
});

test('a table of any length, and without rows, is whole', () => {
  const columns = [{ name: 'N' }];
  for (const length of [0, 1, 499, 500, 501, 1001]) {
    const rows = Array.from({ length }, (_, at) => [at]);
    expect(shown({ columns, rows })).toEqual(['N', ...rows.map(([at]) => String(at))]);
  }
});

test('a line in pieces is one line, and headings and troubles have their colours', () => {
  expect(shown({ pieces: ['[1', ',2', ']'] })).toEqual(['[1,2]']);
  const paint: Screen['paint'] = (text, style) => `<${style}>${text}`;
  const lines: Line[] = ['hint: x', 'trouble: x', 'troubles: x', { columns: [], rows: [] }];
  expect(lines.flatMap((line) => shown(line, { paint }))).toEqual([
    '<hint>hint: x',
    '<problem>trouble: x',
    'troubles: x',
    '<heading>',
  ]);
});
