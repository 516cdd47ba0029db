import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Address,
  contains,
  isNat64,
  isSingle,
  networkOf,
  parseAddress,
  parseNetwork,
} from '../../src/core/address.ts';

function parsed(text: string): Address {
  const network = parseNetwork(text);
  if (!network) throw new Error(`${text} is no network`);
  return network;
}

describe('parseAddress', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['::', '::'],
    ['::1', '::1'],
    ['2001:DB8::0001', '2001:db8::1'],
    ['2001:db8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:db8::0:0:1:0:0', '2001:db8::1:0:0'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:0201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1%eth0', '192.0.2.1'],
    ['::192.0.2.1', '::c000:201'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
    ['fe80::1%eth0', 'fe80::1'],
    ['fe80::1%wlan-0.1_x', 'fe80::1'],
  ])('%j is %j', (text, canonical) => {
    expect(parseAddress(text)?.text).toBe(canonical);
  });

  test.each([
    '',
    ' ',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.',
    '.1.2.3',
    '1..2.3',
    '256.1.1.1',
    '1.2.3.999',
    '010.0.0.1',
    '10.0.0.01',
    '00.0.0.0',
    '0x7f.0.0.1',
    '2130706433',
    '127.1',
    '1.2.3.4 ',
    ' 1.2.3.4',
    '1.2.3.4\n',
    '\n1.2.3.4',
    '1.2.3.4\0',
    '1.2.3.4/32',
    '-1.2.3.4',
    '+1.2.3.4',
    '1.2.3.4%eth0',
    '١.2.3.4',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    'g::1',
    '[::1]',
    '::1/128',
    '::1%',
    '::1%eth 0',
    '::1%../x',
    '::1%a%b',
    '::ffff:010.0.0.1',
    '::ffff:1.2.3',
    '::ffff:256.1.1.1',
    '::ffff:1.2.3.4.5',
    '::1.2.3.4:5',
    '1.2.3.4::',
    '1:2:3:4:5:6:7:1.2.3.4',
    '::ffff:0x1.2.3.4',
    '1:',
    ':1',
    '1:2:3:4:5:6:7:',
    ':2:3:4:5:6:7:8',
    '::1\n',
    ' ::1',
    '::1%eth0\n',
    '../../etc',
    'localhost',
    '0'.repeat(65),
    `::${'0'.repeat(63)}1`,
    `fe80::1%${'x'.repeat(64)}`,
  ])('%j is not an address', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  test('octets are in network order', () => {
    expect(parseAddress('1.2.3.4')?.octets).toEqual([1, 2, 3, 4]);
    const octets = parseAddress('102:304:506:708:90a:b0c:d0e:f10')?.octets;
    expect(octets).toEqual(Array.from({ length: 16 }, (_, index) => index + 1));
  });
});

describe('parseNetwork', () => {
  test.each([
    ['192.0.2.7/24', '192.0.2.0/24'],
    ['192.0.2.7/32', '192.0.2.7'],
    ['192.0.2.7', '192.0.2.7'],
    ['255.255.255.255/1', '128.0.0.0/1'],
    ['10.255.255.255/9', '10.128.0.0/9'],
    ['1.2.3.4/0', '0.0.0.0/0'],
    ['2001:db8:1:2:3::1/64', '2001:db8:1:2::/64'],
    ['2001:db8:ffff::/33', '2001:db8:8000::/33'],
    ['::1/128', '::1'],
    ['::1/0', '::/0'],
    ['::ffff:192.0.2.7/120', '192.0.2.0/24'],
    ['::ffff:192.0.2.7/96', '0.0.0.0/0'],
    ['fe80::1%eth0/10', 'fe80::/10'],
  ])('%j is %j', (text, canonical) => {
    expect(parseNetwork(text)?.text).toBe(canonical);
  });

  test.each([
    '1.2.3.4/33',
    '1.2.3.4/',
    '1.2.3.4/ 8',
    '1.2.3.4/-1',
    '1.2.3.4/08',
    '1.2.3.4/8/8',
    '1.2.3/8',
    '/8',
    '1.2.3.4/8 ',
    '1.2.3.4/8\n',
    '1.2.3.4/255.0.0.0',
    '::/129',
    '::ffff:1.2.3.4/95',
    '1.2.3.4/1e1',
    '::1/1000',
  ])('%j is not a network', (text) => {
    expect(parseNetwork(text)).toBeUndefined();
  });
});

describe('contains', () => {
  test.each<[string, string, boolean]>([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.0.0.0/8', '10.1.0.0/16', true],
    ['10.1.0.0/16', '10.0.0.0/8', false],
    ['192.0.2.1', '192.0.2.1', true],
    ['192.0.2.1', '192.0.2.0/24', false],
    ['0.0.0.0/0', '::', false],
    ['::/0', '0.0.0.0', false],
    ['2001:db8::/33', '2001:db8:7fff::1', true],
    ['2001:db8::/33', '2001:db8:8000::1', false],
    ['10.0.0.0/8', '::ffff:10.1.1.1', true],
  ])('%s holds %s: %j', (network, address, holds) => {
    expect(contains(parsed(network), parsed(address))).toBe(holds);
  });
});

const spellings = fc.oneof(fc.ipV4(), fc.ipV6());

describe('any address', () => {
  test('Guarantee: its text is its own canonical spelling', () => {
    fc.assert(
      fc.property(spellings, (spelling) => {
        const address = parsed(spelling);
        expect(parseAddress(address.text)).toEqual(address);
        expect(isSingle(address)).toBe(true);
        expect(address.text).toMatch(address.family === 4 ? /^[\d.]{7,15}$/ : /^[\da-f:]{2,39}$/);
      }),
    );
  });

  test('Guarantee: two spellings of one address have one text', () => {
    const groups = fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(groups, (numbers) => {
        const long = numbers.map((number) => number.toString(16).padStart(4, '0')).join(':');
        const short = numbers.map((number) => number.toString(16)).join(':');
        expect(parseAddress(long.toUpperCase())).toEqual(parseAddress(short));
      }),
    );
  });

  test('Guarantee: ::ffff:a.b.c.d is a.b.c.d', () => {
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        const address = parsed(text);
        expect(parseAddress(`::ffff:${address.text}`)).toEqual(address);
      }),
    );
  });

  test('its networks contain it and the narrower ones, and print as they parse', () => {
    fc.assert(
      fc.property(spellings, fc.nat(128), fc.nat(128), (spelling, one, other) => {
        const address = parsed(spelling);
        const [short = 0, long = 0] = [one, other]
          .map((length) => length % (address.prefixLength + 1))
          .sort((a, b) => a - b);
        const [wide, narrow] = [networkOf(address, short), networkOf(address, long)];
        expect(contains(wide, address)).toBe(true);
        expect(contains(wide, narrow)).toBe(true);
        expect(contains(narrow, wide)).toBe(short === long);
        expect(networkOf(narrow, short)).toEqual(wide);
        expect(parseNetwork(narrow.text)).toEqual(narrow);
      }),
    );
  });

  test('no text throws or makes a dangerous name', () => {
    const units = fc.constantFrom(...'0123456789abcdefF:::...%/xX -\n\0');
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: units })), (text) => {
        const found = parseNetwork(text)?.text;
        if (found !== undefined) expect(found).toMatch(/^[\da-f:.]+(\/\d+)?$/);
      }),
      { numRuns: 2000 },
    );
  });
});

test.each([
  ['64:ff9b::192.0.2.1', true],
  ['64:ff9b::c000:200/120', true],
  ['64:ff9b:1:2::1', true],
  ['64:ff9b::/64', false],
  ['64:ff9b::1:0:0', false],
  ['64:ff9b:2::1', false],
  ['164:ff9b::1', false],
  ['192.0.2.1', false],
])('whether %s is of NAT64: %s', (text, is) => {
  expect(isNat64(parsed(text))).toBe(is);
});
