import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { parseAddress } from '../../src/core/address.ts';
import { addressPattern, globPattern } from '../../src/core/pattern.ts';
import { unless } from '../run/unless.ts';

type Pair = readonly [pattern: string, value: string];

function isMatch([pattern, value]: Pair): boolean {
  return globPattern(pattern).matches(value, undefined);
}

const table: (readonly [...Pair, boolean])[] = [
  ['', '', true],
  ['', 'a', false],
  ['*', '', true],
  ['*', '.a/b', true],
  ['a*', 'a/b', true],
  ['*/b', '/b', true],
  ['a*b*c', 'a1b2b3c', true],
  ['a*b*c', 'a1b2b3', false],
  ['**', 'x', true],
  ['?', '/', true],
  ['?', '', false],
  ['10.0.0.*', '10.0.0.1', true],
  ['10.0.0.*', '10x0.0.1', false],
  ['[a-c]x', 'bx', true],
  ['[!a-c]x', 'bx', false],
  ['[^a-c]x', 'dx', true],
  ['[]a]', ']', true],
  ['[!]a]', ']', false],
  ['[a-]', '-', true],
  ['[--/]', '.', true],
  ['[z-a]', 'm', false],
  ['[a', '[a', true],
  ['[a-', '[a-', false],
  ['[\\]]', ']', true],
  ['[\\a-\\c]', 'b', true],
  ['\\*', '*', true],
  ['\\*', 'x', false],
  ['\\\\', '\\', true],
  ['a\\', 'a\\', false],
  ['a\\', 'a', false],
  ['[[:digit:]]*', '7up', true],
  ['[![:digit:]]*', '7up', false],
  ['[[:alpha:]_]', '_', true],
  ['[[:nonsense:]]', 'n', false],
  ['[![:nonsense:]]', 'n', false],
  ['[[:constructor:]]', 'c', false],
  ['[a[:nonsense:]]', 'a', true],
  ['[[:alpha]', ':', true],
  ['*@[a-z]*.example', 'joe@mx.example', true],
];

/** `[.x.]`, `[=x=]` and a range that ends in `[:name:]` are undefined or not supported. */
function isDefined(pattern: string): boolean {
  return !/\[[.=]|-\[:/.test(pattern);
}

const letters = [...'*?[]!-^\\ab/.:'];
const names = ['[', ']', '[', ']', '-', '[:', '[:alpha:]', '[:punct:]', '[:digit:]', '[:x:]'];
const patterns = fc
  .array(fc.constantFrom(...letters, ...names), { maxLength: 9 })
  .map((parts) => parts.join(''))
  .filter(isDefined);
const values = fc.array(fc.constantFrom(...letters), { maxLength: 4 }).map((all) => all.join(''));
const ascii = Array.from({ length: 127 }, (_, index) => String.fromCharCode(index + 1));
const everyClass = 'alnum alpha blank cntrl digit graph lower print punct space upper xdigit';

const directory = mkdtempSync(join(tmpdir(), 'ipthrottle-fnmatch-'));
const program = join(directory, 'fnmatch');
const source = fileURLToPath(new URL('../fixtures/fnmatch.c', import.meta.url));
const compiled = spawnSync('cc', ['-o', program, source], { encoding: 'utf8' });
const reason =
  compiled.status === 0 ? undefined : `cc does not work: ${compiled.error ?? compiled.stderr}`;

afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** The pairs on which fnmatch(3) and globPattern disagree. */
function disputed(pairs: readonly Pair[]): unknown[] {
  const input = pairs.map((pair) => pair.map((text) => `${text}\0`).join('')).join('');
  const options = { input, env: { LC_ALL: 'C' }, encoding: 'utf8', maxBuffer: 2 ** 26 } as const;
  const answers = spawnSync(program, options).stdout;
  expect(answers).toHaveLength(pairs.length);
  return pairs.flatMap((pair, index) => {
    const libc = answers[index] === '1';
    return libc === isMatch(pair) ? [] : [{ pair, libc }];
  });
}

describe('globs', () => {
  test.each(table)('%j against %j: %j', (pattern, value, matches) => {
    expect(isMatch([pattern, value])).toBe(matches);
  });

  test('one character is one code point', () => {
    expect(isMatch(['?', '\u{1f600}'])).toBe(true);
    expect(isMatch(['[à-ü]', 'é'])).toBe(true);
  });

  test('Guarantee: matching takes at most pattern length times value length steps', () => {
    // An exponential matcher would finish none of these.
    expect(isMatch(['*a*a*a*a*a*b', 'a'.repeat(1000)])).toBe(false);
    expect(isMatch([`${'*a'.repeat(100)}*b`, 'a'.repeat(1000)])).toBe(false);
    expect(isMatch([`${'*[ab]?'.repeat(50)}c`, 'ab'.repeat(500)])).toBe(false);
  });
});

describe('globs are those of fnmatch(3)', unless(reason), () => {
  test('in the table', () => {
    expect(disputed(table.map(([pattern, value]) => [pattern, value] as const))).toEqual([]);
  });

  test('for every named class and ASCII character', () => {
    const pairs = everyClass.split(' ').flatMap((name) =>
      ascii.flatMap((value): Pair[] => [
        [`[[:${name}:]]`, value],
        [`[![:${name}:]]`, value],
      ]),
    );
    expect(disputed(pairs)).toEqual([]);
  });

  test('for random patterns of special characters', () => {
    expect(disputed(fc.sample(fc.tuple(patterns, values), 20_000))).toEqual([]);
  });
});

describe('patterns of an address class', () => {
  test.each<[string, string, boolean | undefined]>([
    ['192.0.2.0/24', '192.0.2.77', true],
    ['192.0.2.0/24', '192.0.3.1', false],
    ['192.0.2.7/24', '192.0.2.1', true],
    ['0.0.0.0/0', '192.0.2.1', true],
    ['0.0.0.0/0', '::1', false],
    ['::/0', '2001:db8::1', true],
    ['2001:DB8:0:0::1', '2001:db8::1', true],
    ['::ffff:192.0.2.1', '192.0.2.1', true],
    ['10.0.0.*', '10.0.0.9', true],
    ['10.0.[0-3].*', '10.0.4.9', false],
    ['2001:db8:*', '2001:db8::9', true],
    ['*', '::1', true],
    ['192.0.2.0/33', '192.0.2.1', undefined],
    ['192.0.2/24', '192.0.2.1', undefined],
    ['a/b', '192.0.2.1', undefined],
    ['192.0.2', '192.0.2.1', undefined],
    ['300.0.2.1', '192.0.2.1', undefined],
    ['localhost', '127.0.0.1', undefined],
    ['', '127.0.0.1', undefined],
  ])('%j against %j: %j', (text, value, matches) => {
    const address = parseAddress(value);
    expect(addressPattern(text)?.matches(address?.text ?? '', address)).toBe(matches);
  });
});

test.each(['', ':'])('a bracket may be as long as a file: [%s', (colon) => {
  const { matches } = globPattern(
    `[${colon && `[${colon}`}${'x'.repeat(1_000_000)}${colon && `${colon}]`}]`,
  );
  expect(matches('x', undefined)).toBe(colon === '');
});
