/** When an operator means. */
import { describe, expect, test } from 'vitest';
import { instantIn } from '../../src/commands/instant-in.ts';

const now = Date.parse('2026-02-01T12:00:00Z');

test.for([
  ['90', '2026-02-01T11:58:30Z'],
  ['2h', '2026-02-01T10:00:00Z'],
  ['7d', '2026-01-25T12:00:00Z'],
  ['800d', '2023-11-24T12:00:00Z'],
  ['2026-01-31T08:05Z', '2026-01-31T08:05:00Z'],
  ['2026-01-31T08:05:46.5Z', '2026-01-31T08:05:46.500Z'],
  ['2026-01-31 08:05:46+05:30', '2026-01-31T02:35:46Z'],
  ['2026-01-31T08:05:46-0100', '2026-01-31T09:05:46Z'],
] as const)('%s is %s', ([text, instant]) => {
  expect(instantIn(text, now)).toBe(Date.parse(instant));
});

describe('without a zone it is local time', () => {
  test.for([
    ['2026-01-31', new Date(2026, 0, 31)],
    ['2026-07-31T23:59', new Date(2026, 6, 31, 23, 59)],
    ['2026-07-31 23:59:58', new Date(2026, 6, 31, 23, 59, 58)],
  ] as const)('%s', ([text, instant]) => {
    expect(instantIn(text, now)).toBe(instant.getTime());
  });
});

test.for([
  '',
  'yesterday',
  '0',
  '2M',
  '2026-13-01',
  '2026-02-30T25:00',
  '31.1.2026',
  '2026-01-31T8:05',
  '-2h',
])('%j is none', (text) => {
  expect(() => instantIn(text, now)).toThrow(/wrong usage: not a/);
});
