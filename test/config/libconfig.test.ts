/** Tests: src/config/libconfig-tokens.ts */
import { describe, expect, test } from 'vitest';
import { maxMistakes } from '../../src/config/mistakes.ts';
import { parsed, plain } from './mistakes-in.ts';

describe('syntax that libconfig 1.x accepts', () => {
  test.each<[string, unknown]>([
    ['', {}],
    [' \t\r\n\f', {}],
    ['a: 1', { a: 1 }],
    ['a = 1;', { a: 1 }],
    ['a: 1, b: 2', { a: 1, b: 2 }],
    ['a: 1 b: 2', { a: 1, b: 2 }],
    ['g: { a: 1 }\nh = { };', { g: { a: 1 }, h: {} }],
    ['g: { a: { b: 1; }; }', { g: { a: { b: 1 } } }],
    ['a: -1; b: +2; c: 0x1F; d: 7L; e: 8LL; f: 0XffL', { a: -1, b: 2, c: 31, d: 7, e: 8, f: 255 }],
    ['a: 1.5; b: .5; c: -2.; d: 1e3; e: 1.5E-1', { a: 1.5, b: 0.5, c: -2, d: 1000, e: 0.15 }],
    ['a: true; b: FALSE; c: tRuE', { a: true, b: false, c: true }],
    ['a-b: 1; c_d: 2; *: 3; E*9: 4', { 'a-b': 1, c_d: 2, '*': 3, 'E*9': 4 }],
    ['trueish: 1; falsely: 2', { trueish: 1, falsely: 2 }],
    ['a: ""', { a: '' }],
    ['a: "\\n\\t\\r\\f\\\\\\""', { a: '\n\t\r\f\\"' }],
    ['a: "\\x41\\X7a"', { a: 'Az' }],
    ['a: "\\xc3\\xA9 é"', { a: 'é é' }],
    ['a: "\\q\\x4\\*"', { a: '\\q\\x4\\*' }],
    ['a: "one" "two"\n"three"', { a: 'onetwothree' }],
    ['a: "http://x/#y /* z */"', { a: 'http://x/#y /* z */' }],
    ['a: ()', { a: [] }],
    ['a: (1, "b", (true), { c: 2; })', { a: [1, 'b', [true], { c: 2 }] }],
    ['a: (1, 2,)', { a: [1, 2] }],
    [
      'a: []; b: [1, 2]; c: ["x", "y",]',
      { a: { array: [] }, b: { array: [1, 2] }, c: { array: ['x', 'y'] } },
    ],
    ['a: 1; # b: 2\n// c: 3\n/* d: 4 \n * // */ e: 5', { a: 1, e: 5 }],
    ['a: 1/**/b: 2//', { a: 1, b: 2 }],
    ['a: (1, # one\n 2 // two\n /* three */ )', { a: [1, 2] }],
    ['\ufeffa: 1', { a: 1 }],
  ])('%j', (text, meant) => {
    const { root, mistakes } = parsed(text);
    expect(mistakes).toEqual([]);
    expect(plain(root)).toEqual(meant);
  });

  test('a comment in Latin-1 is skipped', () => {
    expect(plain(parsed(Buffer.from('// caf\xe9\na: 1', 'latin1')).root)).toEqual({ a: 1 });
  });

  test('numbers keep their text, and every node its line', () => {
    const { root } = parsed('a: 0660;\nb: (\n  "x",\n  2);');
    const [a, b] = [root.settings.get('a'), root.settings.get('b')];
    expect(a?.value).toMatchObject({ value: 660, text: '0660', place: { line: 1 } });
    expect(b?.value.place.line).toBe(2);
    expect(b?.value).toMatchObject({ items: [{ place: { line: 3 } }, { place: { line: 4 } }] });
  });
});

describe('syntax mistakes', () => {
  test.each<[string, string[]]>([
    ['a', ['c:1: expected ":" after a, not the end']],
    ['a 1;\nb: 2', ['c:1: expected ":" after a, not "1"']],
    ['a: ;', ['c:1: expected a value of a, not ";"']],
    ['a: 1;;', ['c:1: expected a setting, not ";"']],
    ['a: b;', ['c:1: "b" is no value; a text needs quotes']],
    ['a: /run/x;', ['c:1: "/run/x" is no name or number; a text needs quotes']],
    ['a: 10.0.0.1;', ['c:1: "10.0.0.1" is no name or number; a text needs quotes']],
    ['a: 25x;', ['c:1: "25x" is no name or number; a text needs quotes']],
    ['a: 99999999999999999999;', ['c:1: "99999999999999999999" is too large a number']],
    ['a: 1 2;', ['c:1: expected a setting, not "2"']],
    ['a: "x;\nb: 1', ['c:1: string is not closed on its line']],
    ['a: "x\\', ['c:1: string is not closed on its line']],
    ['a: "\\x00";', ['c:1: string holds a NUL byte']],
    ['a: "\\xff";', ['c:1: string "\ufffd" is not UTF-8']],
    ['a: 1;\0', ['c:1: "\\u0000" is no name or number; a text needs quotes']],
    ['a: "x\x1b[31m" 3', ['c:1: expected a setting, not "3"']],
    ['a: \x9b31m', ['c:1: "\\u{9b}31m" is no name or number; a text needs quotes']],
    ['a: 1;\n/* b\n', ['c:2: comment /* is not closed']],
    ['# 1\n/* 2\n\n*/ // 4\r\n\ta: ;', ['c:5: expected a value of a, not ";"']],
    ['a: (1 2);', ['c:1: expected "," or ")", not "2"']],
    ['a: (1,,2);', ['c:1: expected a value of a, not ","']],
    ['a: (,);', ['c:1: expected a value of a, not ","']],
    ['a: (1;\nb: 2', ['c:1: expected "," or ")", not ";"']],
    ['a: [1, "b"];', ['c:1: an array [ ] holds numbers, strings or booleans of one kind']],
    ['a: [(1)];', ['c:1: an array [ ] holds numbers, strings or booleans of one kind']],
    ['a: [b];', ['c:1: "b" is no value; a text needs quotes']],
    ['\na: {\nb: 1;\n', ['c:2: "{" is not closed']],
    ['a: 1; };\nb: 2; }', ['c:1: a closing "}" too many', 'c:2: a closing "}" too many']],
    ['a: 1;\nb: 2;\na: 3;', ['c:3: a was set before, on line 1']],
    ['{ a: 1; }', ['c:1: expected a setting, not "{"']],
    ['@include x', ['c:1: @include must begin its line and be followed by "file"']],
    ['a: 1; @include "c"', ['c:1: @include must begin its line and be followed by "file"']],
  ])('%j', (text, mistakes) => {
    expect(parsed(text).mistakes).toEqual(mistakes);
  });

  test('each costs its own setting only, and all are found', () => {
    const text = 'g: {\n a 1;\n b: (1, 2;\n c: { d: ; e: 5 };\n f: 6;\n};\nh: "x;\ni: 7;';
    const { root, mistakes } = parsed(text);
    expect(mistakes).toEqual([
      'c:2: expected ":" after a, not "1"',
      'c:3: expected "," or ")", not ";"',
      'c:4: expected a value of d, not ";"',
      'c:7: string is not closed on its line',
    ]);
    expect(plain(root)).toEqual({ g: { c: { e: 5 }, f: 6 }, i: 7 });
  });

  test('a long word is capped', () => {
    const [mistake] = parsed(`a: ${'/'.padEnd(500, 'x')}`).mistakes;
    expect(mistake?.length).toBeLessThan(150);
  });

  test('after a hundred they are only counted', () => {
    const { mistakes } = parsed('a: ;\n'.repeat(maxMistakes + 50));
    // Each line but the first is also a duplicate of a.
    expect(mistakes).toHaveLength(maxMistakes + 1);
    expect(mistakes.at(-1)).toBe('c: and 199 more mistakes');
  });

  test.each(['(', '{a:', '[', '{'])('deep nesting of %j is a mistake', (unit) => {
    const { mistakes } = parsed(`a: ${unit.repeat(100_000)}`);
    expect(mistakes.length).toBeGreaterThan(0);
  });

  test('32 levels are allowed, 33 are too deep', () => {
    expect(parsed(`a: ${'('.repeat(32)}${')'.repeat(32)}`).mistakes).toEqual([]);
    expect(parsed(`a: ${'('.repeat(33)}${')'.repeat(33)}`).mistakes).toEqual([
      'c:1: nested deeper than 32 levels',
    ]);
  });
});
