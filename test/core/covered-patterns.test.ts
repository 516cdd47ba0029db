import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAddress } from '../../src/core/address.ts';
import { coveredPatterns, matchesNothing } from '../../src/core/covered-patterns.ts';
import { addressPattern, globPattern, type Pattern } from '../../src/core/pattern.ts';

function patternsOf(texts: readonly string[], addresses: boolean): Pattern[] {
  return texts.flatMap((text) => (addresses ? (addressPattern(text) ?? []) : globPattern(text)));
}

/** The texts of those that are covered, each after what covers it. */
function covered(addresses: boolean, ...texts: string[]): string[] {
  const patterns = patternsOf(texts, addresses);
  expect(patterns).toHaveLength(texts.length);
  return coveredPatterns(patterns, addresses).map(
    ({ index, by }) => `${texts[by]} ${texts[index]}`,
  );
}

describe('in an address class', () => {
  test.each([
    ['*', '192.0.2.1'],
    ['*', '2001:db8::/32'],
    ['*', '10.*'],
    ['192.0.2.0/24', '192.0.2.7'],
    ['192.0.2.0/24', '192.0.2.128/25'],
    ['192.0.2.0/24', '192.0.2.0/24'],
    ['0.0.0.0/0', '10.0.0.*'],
    ['10.0.0.0/8', '10.0.*'],
    ['2001:db8::/32', '2001:DB8:0:0::7'],
    ['2001:db8::/32', '2001:db8:1:*'],
    ['10.*', '10.1.2.3'],
    ['10.*', '10.1.0.0/16'],
    ['10.*', '10.16.0.0/12'],
    ['10.*', '10.1.*'],
    ['2001:db8:*', '2001:db8:7::/48'],
    ['*:*', '::/0'],
    ['*.*', '0.0.0.0/0'],
    ['10.0.0.*', '10.0.0.[0-9]'],
    ['10.0.0.[0-9]', '10.0.0.7'],
  ])('%s covers a later %s, and not the other way round', (early, late) => {
    expect(covered(true, '203.0.113.1', early, late)).toEqual([`${early} ${late}`]);
    if (early !== late) expect(covered(true, late, early)).toEqual([]);
  });

  test.each([
    ['192.0.2.0/25', '192.0.2.0/24'],
    ['10.0.0.*', '10.0.0.0/23'],
    ['10.1.*', '10.0.0.0/8'],
    ['2001:0:*', '2001::/32'],
    ['*:*', '0.0.0.0/0'],
    ['10.0.0.?', '10.0.0.*'],
  ])('%s leaves something to a later %s', (early, late) => {
    expect(covered(true, early, late)).toEqual([]);
  });

  test.each([
    ['mail.*', true],
    ['*.example.org', true],
    ['2001:DB8:*', true],
    ['2001:0db8:*', true],
    ['10.0.256*', false],
    ['*.256', true],
    ['300.*', true],
    ['10.01.*', true],
    ['10.0.0.0.*', true],
    ['1.2.3.4:*', true],
    [`*${'1*'.repeat(40)}`, true],
    ['[m]*', false],
    ['10.*', false],
    ['*.255', false],
    ['2001:db8::*', false],
    ['*:0', false],
    ['fe80:*', false],
  ])('whether %s matches none: %s', (text, is) => {
    const [pattern] = patternsOf([text], true);
    expect(pattern && matchesNothing(pattern, true)).toBe(is);
  });
});

test('in a class of names', () => {
  expect(covered(false, 'joe', '*@a.org', 'joe', 'jim@a.org', 'x?@a.org', '*b@a.org')).toEqual([
    'joe joe',
    '*@a.org jim@a.org',
    '*@a.org x?@a.org',
    '*@a.org *b@a.org',
  ]);
  expect(covered(false, 'j?', 'j*', 'jo', '*@b.org', '*', '*')).toEqual(['j? jo', '* *']);
  expect(covered(false, '[ab]', '[!ab]', '[ab]', 'a')).toEqual(['[ab] [ab]', '[ab] a']);
  expect(matchesNothing(globPattern('x\\'), false)).toBe(true);
  expect(matchesNothing(globPattern('mail.*'), false)).toBe(false);
});

test('many limits take no long time', () => {
  const texts = Array.from({ length: 5000 }, (_, index) => `a*${index}*b`);
  const patterns = patternsOf([...texts, ...texts.map((text) => `x${text}`), 'a*'], false);
  const startedMs = performance.now();
  coveredPatterns(patterns, false);
  expect(performance.now() - startedMs).toBeLessThan(20_000);
});

describe('Guarantee: a pattern that is said to be covered is', () => {
  const piece = fc.constantFrom('a', 'b', '*', '?', '[ab]', '[!a]', '\\*', '[a');
  const globs = fc.array(
    fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join('')),
    { maxLength: 6 },
  );
  const words = fc.array(fc.constantFrom('a', 'b', '*', '['), { maxLength: 5 });

  test('of names', () => {
    fc.assert(
      fc.property(globs, fc.array(words, { maxLength: 20 }), (texts, values) => {
        const patterns = patternsOf(texts, false);
        const late = new Set(coveredPatterns(patterns, false).map(({ index }) => index));
        for (const value of values.map((letters) => letters.join(''))) {
          const first = patterns.findIndex((pattern) => pattern.matches(value, undefined));
          expect(late).not.toContain(first);
          for (const pattern of patterns.filter((each) => matchesNothing(each, false)))
            expect(pattern.matches(value, undefined)).toBe(false);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('of addresses', () => {
    const part = fc.constantFrom('0', '1', '10', '300', '*', '?', '1*');
    const length = fc.integer({ min: 0, max: 32 });
    const small = fc.constantFrom(0, 1, 10, 255);
    const ipv4 = fc.tuple(small, small, small, small).map((octets) => octets.join('.'));
    const group = fc.constantFrom('0', '1', '10', 'db8');
    const ipv6 = fc.array(group, { minLength: 8, maxLength: 8 }).map((groups) => groups.join(':'));
    const pattern = fc.oneof(
      ipv4,
      ipv6,
      fc.tuple(ipv4, length).map(([text, bits]) => `${text}/${bits}`),
      fc.tuple(ipv6, length).map(([text, bits]) => `${text}/${bits * 4}`),
      fc.array(part, { maxLength: 4 }).map((parts) => parts.join('.')),
      fc.array(part, { maxLength: 4 }).map((parts) => parts.join(':')),
      fc.array(part, { maxLength: 4 }).map((parts) => `${parts.join(':')}::*`),
    );
    const addresses = fc.array(fc.oneof(ipv4, ipv6), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 6 }), addresses, (texts, values) => {
        const patterns = patternsOf(texts, true);
        const late = new Set(coveredPatterns(patterns, true).map(({ index }) => index));
        for (const value of values) {
          const address = parseAddress(value);
          const matching = patterns.filter((each) => each.matches(address?.text ?? '', address));
          expect(late).not.toContain(patterns.indexOf(matching[0] as Pattern));
          expect(matching.filter((each) => matchesNothing(each, true))).toEqual([]);
        }
      }),
      { numRuns: 500 },
    );
  });
});
