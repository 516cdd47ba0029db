/**
 * Pictures of the view at many sizes. What they should look like is in screens/.
 *
 * Tests: src/cli/top/columns.ts, src/cli/top/lines.ts
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compactTime } from '../../../src/cli/top/columns.ts';
import { oneCellEach, shortened, wrapped } from '../../../src/cli/top/lines.ts';
import { answer, draw, textOf, usualValues, value, viewOf } from './pictures.ts';

function expected(name: string): string {
  return readFileSync(new URL(`screens/${name}.txt`, import.meta.url), 'utf8');
}

function manyValues() {
  const more = Array.from({ length: 60 }, (_, index) => value(`10.0.0.${index}`, { count: 1 }));
  return [...usualValues, ...more];
}

test.each([
  [80, 24],
  [60, 15],
  [132, 43],
  [200, 60],
  [40, 8],
])('the table on a screen of %i columns and %i rows', (columns, rows) => {
  const view = viewOf(answer(manyValues()));
  const text = textOf(draw(view, columns, rows)).replace(/^rater \S+/, 'rater HH:MM:SS');
  expect(text).toBe(expected(`${columns}x${rows}`));
});

test('with --ascii', () => {
  const lines = draw(viewOf(answer(usualValues)), 80, 15, true);
  const text = textOf(lines).replace(/^rater \S+/, 'rater HH:MM:SS');
  expect(text).toBe(expected('ascii'));
  expect(text).toMatch(/^[\x20-\x7e\n]*$/);
});

test('fail-opens, troubles, dry runs and switched off limits are said in words', () => {
  const screen = answer([], {
    failedOpen: [
      { mode: 'connection refused', count: 12, isNow: false },
      { mode: 'socket', count: 1, isNow: true },
    ],
    troubles: [{ mode: 'cdb', part: 'cdb', what: 'no \u001bspace', since: '', failures: 1 }],
    enforce: false,
    dryRun: ['net'],
  });
  const [, , state] = draw(viewOf(screen), 200, 24);
  expect(state?.text.trimEnd()).toBe(
    'let in unchecked (connection refused) 12 times; let in unchecked (socket) once, also now; ' +
      'trouble: cdb: no \\u001bspace; limits are off: only logged; dry run: class net',
  );
  const calm = draw(viewOf(answer([])), 80, 24)[2];
  expect(calm?.text.trimEnd()).toBe('nobody let in unchecked, no troubles');
});

test('without rater the last picture stays, dimmed, and says what is waited for', () => {
  const view = viewOf(answer(usualValues));
  view.waitsBecause = 'nobody listens on /run/control.sock';
  const lines = draw(view, 80, 24);
  expect(lines[2]?.text).toMatch(/^waiting for rater: nobody listens on \/run\/control\.sock +$/);
  expect(lines[4]?.text).toMatch(/^192\.0\.2\.1 /);
  expect(lines[4]?.styles).toBe('d'.repeat(80));
  expect(draw(view, 80, 6)[0]?.text).toMatch(/^waiting for rater/);
});

test('the selected value stays in the picture', () => {
  const view = viewOf(answer(manyValues()));
  for (let times = 0; times < 50; times += 1) view.press('down');
  const lines = draw(view, 80, 24);
  const inverse = lines.filter(({ styles }) => styles === 'i'.repeat(80));
  expect(inverse.map(({ text }) => text.split(' ')[0])).toEqual(['VALUE', '10.0.0.41']);
});

test('the page of keys, and details with scrolling', () => {
  const view = viewOf(answer(usualValues));
  view.press('?');
  expect(textOf(draw(view, 80, 24))).toMatch(/^KEYS\nup down k j {2}choose a value/m);
  view.press('escape');
  view.press('down');
  view.press('return');
  view.details = ['192.0.2.1: \u001b[2J', 'x'.repeat(100), 'last'];
  const shown = () =>
    textOf(draw(view, 80, 24))
      .split('\n')
      .slice(3, 8);
  const x = 'x'.repeat(80);
  expect(shown()).toEqual([
    'DETAILS of ip 192.0.2.1',
    '192.0.2.1: \\u001b[2J',
    x,
    'x'.repeat(20),
    'last',
  ]);
  view.press('down');
  expect(shown().slice(0, 2)).toEqual(['DETAILS of ip 192.0.2.1', x]);
  for (let times = 0; times < 9; times += 1) view.press('down');
  expect(shown().slice(0, 3)).toEqual(['DETAILS of ip 192.0.2.1', 'last', '']);
});

describe('Guarantee: every line is exactly as wide as the screen, of harmless characters:', () => {
  const harmless =
    /^[\x20-\x7e\u00a1-\u00ac\u00ae-\u02ff\u0370-\u0482\u048a-\u052f\u2026\u2581-\u2588]*$/;
  const size = fc.record({
    columns: fc.integer({ min: 1, max: 210 }),
    rows: fc.integer({ min: 1, max: 70 }),
  });
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.ipV6(), fc.string({ unit: 'grapheme' }));
  const keys = fc.array(fc.constantFrom('down', '/', 'b', '?', 'return', 'escape', 'i', 'x', 'c'));

  test('whatever the size, the values and the keys', () => {
    fc.assert(
      fc.property(size, fc.array(text), text, keys, ({ columns, rows }, values, other, pressed) => {
        const screen = answer(
          values.map((each) => value(each, { class: other, pattern: other, address: each })),
          { troubles: [{ mode: 'cdb', part: other, what: other, since: '', failures: 1 }] },
        );
        const view = viewOf(screen);
        for (const key of pressed) view.press(key);
        view.details = [other];
        const lines = draw(view, columns, rows);
        expect(lines).toHaveLength(rows);
        for (const line of lines) {
          expect(line.text).toHaveLength(columns);
          expect(line.styles).toHaveLength(columns);
          expect(line.text).toMatch(harmless);
        }
      }),
    );
  });
});

test('long texts are cut in the middle, and networks keep their prefix length', () => {
  expect(shortened('192.0.2.1', 9, false)).toBe('192.0.2.1');
  expect(shortened('2001:db8:1234:5678:9abc:def0:1234:5678', 15, false)).toBe('2001:db…34:5678');
  expect(shortened('2001:db8:1234:5678::/64', 15, true)).toBe('2001:db~78::/64');
  expect(shortened('2001:db8:1234:5678::/64', 6, false)).toBe('20…/64');
  expect(wrapped('', 5)).toEqual(['']);
  expect(wrapped('abcdefg', 3)).toEqual(['abc', 'def', 'g']);
});

test('times are short', () => {
  const times = [0, 87, 900, 3600, 5400, 86_400, 90_000, 7 * 86_400, 366 * 86_400];
  expect(times.map(compactTime)).toEqual([
    ...['0s', '87s', '15m', '1h', '90m', '1d', '25h', '7d', '366d'],
  ]);
});

test('what is not one cell wide in every terminal is escaped', () => {
  expect(oneCellEach('m\u00fcller \u4e2d \u{1f600} e\u0301 \u00ad', false)).toBe(
    'm\u00fcller \\u4e2d \\ud83d\\ude00 e\\u0301 \\u00ad',
  );
  expect(oneCellEach('m\u00fcller', true)).toBe('m\\u00fcller');
});
