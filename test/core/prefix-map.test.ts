import { expect, test } from 'vitest';
import { type Address, ipv4Bits, parseNetwork } from '../../src/core/address.ts';
import { PrefixMap } from '../../src/core/prefix-map.ts';

function address(text: string): Address {
  const parsed = parseNetwork(text);
  if (!parsed) throw new Error(text);
  return parsed;
}

function mapOf(...texts: string[]): PrefixMap<{ address: Address }> {
  const map = new PrefixMap<{ address: Address }>();
  for (const text of texts) map.set({ address: address(text) });
  return map;
}

test.each([
  ['its own block', ['192.0.2.1'], '192.0.2.1', '192.0.2.1'],
  ['a network it lies in', ['192.0.2.0/24'], '192.0.2.1', '192.0.2.0/24'],
  ['the narrowest of several', ['192.0.0.0/16', '192.0.2.0/24'], '192.0.2.1', '192.0.2.0/24'],
  ['not a neighbour', ['192.0.2.2', '192.0.3.0/24'], '192.0.2.1', undefined],
  ['not the other family', ['::/0'], '192.0.2.1', undefined],
  ['an IPv6 /64', ['2001:db8::/64'], '2001:db8::1:2', '2001:db8::/64'],
  ['a whole family', ['0.0.0.0/0'], '192.0.2.1', '0.0.0.0/0'],
  ['for a network, not a part of it', ['192.0.2.1'], '192.0.2.0/24', undefined],
])('finds %s', (_, blocks, wanted, found) => {
  expect(mapOf(...blocks).find(address(wanted))?.address.text).toBe(found);
});

test('says of an IPv4 address by its bits whether there is a block that covers it', () => {
  const map = mapOf('192.0.2.0/24', '192.0.2.1', '2001:db8::/32');
  const covers = (text: string) => map.coversIPv4(ipv4Bits(text) as number);
  expect([covers('192.0.2.1'), covers('192.0.2.2'), covers('192.0.3.1')]).toEqual([
    true,
    true,
    false,
  ]);
  map.delete(address('192.0.2.0/24'));
  expect([covers('192.0.2.1'), covers('192.0.2.2')]).toEqual([true, false]);
});

test('forgets what is deleted, and a second set replaces the first', () => {
  const map = mapOf('192.0.2.1', '192.0.2.1', '192.0.2.0/24');
  expect(map.size).toBe(2);
  map.delete(address('192.0.2.1'));
  map.delete(address('192.0.2.1'));
  expect(map.find(address('192.0.2.1'))?.address.text).toBe('192.0.2.0/24');
  map.delete(address('192.0.2.0/24'));
  expect(map.find(address('192.0.2.1'))).toBeUndefined();
  expect([...map.values()]).toEqual([]);
});
