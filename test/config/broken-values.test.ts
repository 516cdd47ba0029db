/**
 * A value in which something is broken is told once, where it is broken, and of a list that is one
 * nobody is told that it is none.
 *
 * Tests: src/config/libconfig-tokens.ts, src/config/read-group.ts, src/config/value-kinds.ts
 */
import { describe, expect, test } from 'vitest';
import { type SettingRow, settingRows } from '../../src/config/schema.ts';
import { checked } from './mistakes-in.ts';

const limits = 'limits: { ip: () };';

/** A configuration with the setting alone on line 2, and else what it needs. */
function withSetting({ group, name }: SettingRow, value: string): string {
  const other = { source: 'cdb: "c";', cdb: 'source: "s";' }[name] ?? '';
  const open = {
    'blocking.tcprules': `blocking: { tcprules: { ${other}`,
    class: 'classes: { ip: {',
  }[group as string];
  return `${limits} ${open ?? `${group}: {`}\n${name}: ${value};\n${open ? '} }' : '}'};`;
}

const brokenValues = [
  '“x”',
  '(“x”, "192.0.2.1")',
  '("192.0.2.1", “x”)',
  '((“x”))',
  '(1, x)',
  '[“x”]',
  '(60, 1x)',
];
const places: readonly (readonly [string, (value: string) => string])[] = [
  ...settingRows().map((row) => {
    return [`${row.group}.${row.name}`, (value: string) => withSetting(row, value)] as const;
  }),
  ['allow', (value) => `${limits}\nallow: ${value};`],
  ['limits.ip', (value) => `limits: { ip:\n${value}; };`],
  ['a limit', (value) => `limits: { ip: (\n${value} ); };`],
  ['the windows of a limit', (value) => `limits: { ip: ( ("*",\n${value}) ); };`],
];

describe.each(places)('%s', (_, text) => {
  test.each(brokenValues)('with %s has one mistake, that it is no value', (value) => {
    const { config, mistakes } = checked(text(value));
    // What is wrong with the other values, which are whole.
    const others = /^c:2: (?:limits\.ip: (?:a limit|seconds|count) |allow: \d+ is no address)/;
    const told = mistakes.filter((mistake) => !others.test(mistake));
    expect(config).toBeUndefined();
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(/^c:2: .* is no (?:name or number|value); a text needs quotes/);
  });
});

const long = Array.from({ length: 70 }, (_, index) => `"name-${index}"`).join(', ');
const wrongLists = ['("a", (1))', `(${long}, 5)`, `(${long}, ("x"))`, '((60), (120))', '({ })'];

describe.each(places.slice(0, -2))('%s', (_, text) => {
  test.each(wrongLists)('that must be a list is not called one for its only fault: %s', (value) => {
    for (const mistake of checked(text(value)).mistakes) {
      const [, wanted = '', found = ''] = / must be (.*), not (.*)$/.exec(mistake) ?? [];
      if (/\blist\b/.test(wanted)) expect(found).not.toMatch(/^an? (?:list|array)$/);
    }
  });
});

test('a list of very many is told of in no time', () => {
  const many = '"192.0.2.1", '.repeat(200_000);
  const startedMs = performance.now();
  expect(checked(`${limits}\nallow: (${many}(5), ("x"));`).mistakes).toEqual([
    'c:2: allow must be a list of addresses and networks, not a list whose item 200001 is (5)',
  ]);
  expect(performance.now() - startedMs).toBeLessThan(20_000);
});

test('a file that is included with other quotes is one mistake', () => {
  expect(checked(`${limits}\n@include “allow.conf”\n`).mistakes).toEqual([
    'c:2: @include must begin its line and be followed by "file"',
  ]);
});

test('a long list is called by the item that is wrong', () => {
  const classes = `${limits}\nblocking: { classes: (${long}, 5, 6) };`;
  expect(checked(classes).mistakes).toEqual([
    'c:2: blocking.classes must be a list of strings, not a list whose item 71 is 5',
  ]);
  expect(checked(`${limits}\nallow: ("192.0.2.1", ("192.0.2.2", 60, 10));`).mistakes).toEqual([
    'c:2: allow must be a list of addresses and networks, not a list whose item 2 is ("192.0.2.2", 60, 10)',
  ]);
});

describe('other quotes than "', () => {
  test.each([...'“”„‟‘’‚‛«»‹›″′＂`', "'"])('%s is named', (quote) => {
    const { mistakes } = checked(`${limits}\nallow: (${quote}127.0.0.1${quote}, "192.0.2.1");`);
    const text = JSON.stringify(`${quote}127.0.0.1${quote}`);
    expect(mistakes).toEqual([
      `c:2: ${text} is no name or number; a text needs quotes, and ${quote} is not "`,
    ]);
  });

  test('also those of Windows-1252', () => {
    const text = Buffer.from(`${limits}\nallow: (\x93127.0.0.1\x94, "192.0.2.1");`, 'latin1');
    expect(checked({ c: text }).mistakes).toEqual([
      expect.stringMatching(/^c:2: .*; a text needs quotes, and “ is not "$/),
    ]);
  });

  test.each([
    '“Too many, don’t; try again: later”',
    '“half typed"',
    '«a b»',
    '“http://example.org”',
    '“not closed',
  ])('%s is one mistake', (text) => {
    const { mistakes } = checked(`${limits} blocking: {\nmessage: ${text}\n};`);
    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toMatch(/^c:2: .* is not "$/);
  });
});
