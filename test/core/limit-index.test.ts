/**
 * A limit that is looked up is the one that trying each in order finds, whatever the limits.
 *
 * Tests: src/core/first-network.ts, src/core/first-prefix.ts
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Address, parseNetwork } from '../../src/core/address.ts';
import { fold } from '../../src/core/fold.ts';
import { LimitIndex } from '../../src/core/limit-index.ts';
import type { Limit } from '../../src/core/limits.ts';
import { addressPattern, globPattern, type Pattern } from '../../src/core/pattern.ts';

const rates = [{ seconds: 60, count: 10 }];

function limitsOf(patterns: readonly (Pattern | undefined)[]): Limit[] {
  return patterns.flatMap((pattern) => (pattern ? { pattern, rates } : []));
}

/** What it must find: the first of all that match. */
function walked(limits: readonly Limit[], value: string, address?: Address): Limit | undefined {
  return limits.find(({ pattern }) => pattern.matches(value, address));
}

const names = (...texts: string[]) => limitsOf(texts.map((text) => globPattern(text)));
const networks = (...texts: string[]) => limitsOf(texts.map((text) => addressPattern(text)));

test.each([
  ['a text', ['joe', '*'], 'joe', 'joe'],
  ['a text behind what matches it', ['*', 'joe'], 'joe', '*'],
  ['what matches all, alone', ['*'], 'joe', '*'],
  ['what matches all in two ways', ['**', '*'], 'joe', '**'],
  ['an escaped text', ['j\\oe\\*', '*'], 'joe*', 'j\\oe\\*'],
  ['a prefix', ['jo', 'jo*', '*'], 'joe', 'jo*'],
  ['the first of several prefixes', ['jo*', 'joe*', 'j*'], 'joe', 'jo*'],
  ['a longer prefix in front', ['joe*', 'jo*', 'j*'], 'joe', 'joe*'],
  ['a suffix', ['*@a.org', '*.org'], 'joe@a.org', '*@a.org'],
  ['the first of several suffixes', ['*.org', '*@a.org'], 'joe@a.org', '*.org'],
  ['a suffix in front of a prefix', ['*e', 'j*'], 'joe', '*e'],
  ['another glob in front of a text', ['j?e', 'joe'], 'joe', 'j?e'],
  ['another glob behind a text', ['joe', 'j?e'], 'joe', 'joe'],
  ['no prefix that is longer than the value', ['joe*', '*joe'], 'jo', undefined],
  ['nothing by a lone backslash', ['jo\\', '*jo\\'], 'jo', undefined],
  ['nothing without limits', [], 'joe', undefined],
])('finds %s', (_, patterns, value, found) => {
  expect(new LimitIndex(names(...patterns)).find(value, undefined)?.pattern.text).toBe(found);
});

test.each([
  ['an address', ['192.0.2.1', '192.0.2.0/24'], '192.0.2.1', '192.0.2.1'],
  ['a wider network in front', ['192.0.2.0/24', '192.0.2.1'], '192.0.2.1', '192.0.2.0/24'],
  [
    'the first of three',
    ['192.0.2.0/24', '192.0.0.0/16', '192.0.2.1'],
    '192.0.2.1',
    '192.0.2.0/24',
  ],
  ['one around what ends in front', ['192.0.2.0/28', '192.0.0.0/16'], '192.0.2.99', '192.0.0.0/16'],
  ['not a neighbour', ['192.0.2.0/25', '192.0.3.0/24'], '192.0.2.128', undefined],
  ['the last address of a network', ['192.0.2.0/25'], '192.0.2.127', '192.0.2.0/25'],
  ['a whole family', ['::/0', '0.0.0.0/0'], '255.255.255.255', '0.0.0.0/0'],
  ['high addresses', ['200.0.0.0/5', '1.0.0.0/8'], '207.1.1.1', '200.0.0.0/5'],
  ['an IPv6 network', ['2001:db8::/33', '2001:db8::/32'], '2001:db8:8000::1', '2001:db8::/32'],
  ['NAT64 as IPv6', ['192.0.2.1', '64:ff9b::/96'], '64:ff9b::192.0.2.1', '64:ff9b::/96'],
  ['a glob in front of a network', ['10.0.0.*', '10.0.0.0/8'], '10.0.0.1', '10.0.0.*'],
  ['a network in front of a glob', ['10.0.0.0/8', '10.0.0.*'], '10.0.0.1', '10.0.0.0/8'],
  [
    'for a network, none of a part of it',
    ['10.0.0.0/25', '10.0.0.0/8'],
    '10.0.0.0/24',
    '10.0.0.0/8',
  ],
])('of addresses it finds %s', (_, patterns, text, found) => {
  const address = parseNetwork(text);
  const index = new LimitIndex(networks(...patterns));
  expect(index.find(address?.text ?? '', address)?.pattern.text).toBe(found);
});

test('Guarantee: the time to find it does not grow with addresses, plain texts and simple globs', () => {
  const fail = () => {
    throw new Error('tried');
  };
  const many = Array.from({ length: 300 }, (_, index) => index);
  const tried = limitsOf(
    [
      ...networks(...many.flatMap((n) => [`10.0.${n % 256}.0/24`, `10.${n % 256}.0.1`])),
      ...names(...many.flatMap((n) => [`user${n}`, `u${n}*`, `*@${n}.org`])),
    ].map(({ pattern }) => ({ ...pattern, matches: fail })),
  );
  const index = new LimitIndex([...tried, ...names('?*e', '*')]);
  expect(index.find('joe', undefined)?.pattern.text).toBe('?*e');
  expect(index.find('joe@299.org', undefined)?.pattern.text).toBe('*@299.org');
  expect(index.find('10.7.0.1', parseNetwork('10.7.0.1'))?.pattern.text).toBe('10.7.0.1');
});

describe('it finds what trying all in order finds', () => {
  test('in a class of names', () => {
    const plain = fc.constantFrom('a', 'b', 'A', 'ab', '@', '.', 'é', '\u{1f600}', ' ', '*', '\\');
    const special = fc.constantFrom('*', '*', '?', '[ab]', '[!a]', '[a', '\\*', '\\a', '\\');
    const pattern = fc.array(fc.oneof(plain, special), { maxLength: 4 });
    const value = fc.array(plain, { maxLength: 5 });
    fc.assert(
      fc.property(
        fc.array(pattern, { maxLength: 12 }),
        fc.array(value, { minLength: 1, maxLength: 20 }),
        fc.boolean(),
        (patterns, values, isFolded) => {
          const read = (parts: string[]) => (isFolded ? fold(parts.join('')) : parts.join(''));
          const limits = names(...patterns.map(read));
          const index = new LimitIndex(limits);
          for (const text of values.map(read)) {
            expect(index.find(text, undefined)).toBe(walked(limits, text));
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('in an address class', () => {
    const octet = fc.constantFrom(0, 1, 10, 127, 128, 255);
    const ipv4 = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join('.'));
    const group = fc.constantFrom('0', '1', 'db8', '7fff', '8000', 'ffff');
    const ipv6 = fc
      .array(group, { minLength: 3, maxLength: 3 })
      .map((groups) => `2001:${groups.join(':')}::${groups[0]}`);
    const nat64 = ipv4.map((text) => `64:ff9b::${text}`);
    const mapped = ipv4.map((text) => `::ffff:${text}`);
    const address = fc.oneof(ipv4, ipv6, nat64, mapped);
    const network = fc.oneof(
      fc.tuple(ipv4, fc.integer({ min: 0, max: 32 })).map((parts) => parts.join('/')),
      fc
        .tuple(fc.oneof(ipv6, nat64), fc.integer({ min: 0, max: 128 }))
        .map((parts) => parts.join('/')),
      fc.constantFrom('64:ff9b::/96', '64:ff9b:1::/48', '0.0.0.0/0', '::/0'),
    );
    const piece = fc.constantFrom('0', '1', '10', '12', '*', '?', '[01]', '1*', '2001', 'db8', '');
    const glob = fc
      .tuple(fc.array(piece, { minLength: 1, maxLength: 4 }), fc.constantFrom('.', ':'))
      .map(([pieces, separator]) => pieces.join(separator));
    fc.assert(
      fc.property(
        fc.array(fc.oneof(address, network, network, glob), { maxLength: 12 }),
        fc.array(fc.oneof(address, address, network), { minLength: 1, maxLength: 20 }),
        (patterns, values) => {
          const limits = networks(...patterns);
          const index = new LimitIndex(limits);
          for (const value of values.map(parseNetwork)) {
            const text = value?.text ?? '';
            expect(index.find(text, value)).toBe(walked(limits, text, value));
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
