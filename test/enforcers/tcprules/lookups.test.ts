/** The keys of a block, by what a tcpserver looks up. */
import { expect, test } from 'vitest';
import { ipv4Only, type Lookups, writtenKeys } from '../../../src/enforcers/tcprules/lookups.ts';
import { keyOf } from '../../../src/enforcers/tcprules/tcprules.ts';
import { addressFor } from '../../contract/enforcer.ts';

const byValue: Lookups = { ...ipv4Only, ipv6Addresses: true, ipv6Networks: true };
const byText: Lookups = {
  ipv6Addresses: true,
  ipv6Networks: false,
  ipv6Prefixes: true,
  mappedIPv4: true,
};

test.for([
  ['192.0.2.1', ['192.0.2.1'], ['192.0.2.1'], ['192.0.2.1', '::ffff:192.0.2.1']],
  ['192.0.2.0/24', ['192.0.2.'], ['192.0.2.'], ['192.0.2.', '::ffff:192.0.2.']],
  ['2001:db8::1', [], ['2001:db8::1'], ['2001:db8::1']],
  ['2001:db8:1:2:3:4:5:6', [], ['2001:db8:1:2:3:4:5:6'], ['2001:db8:1:2:3:4:5:6']],
  [
    '2001:db8:1:1:1:1:0:1',
    [],
    ['2001:db8:1:1:1:1:0:1', '2001:db8:1:1:1:1::1'],
    ['2001:db8:1:1:1:1:0:1', '2001:db8:1:1:1:1::1'],
  ],
  [
    '2001:db8:0:1:1:0:1:0',
    [],
    ['2001:db8:0:1:1:0:1:0', '2001:db8::1:1:0:1:0'],
    ['2001:db8:0:1:1:0:1:0', '2001:db8::1:1:0:1:0'],
  ],
  ['2001:db8::/32', [], ['2001:db8::/32'], ['2001:db8:']],
  ['2001:db8:1::/48', [], ['2001:db8:1::/48'], ['2001:db8:1:']],
  ['2001:db8:1:2::/64', [], ['2001:db8:1:2::/64'], ['2001:db8:1:2:']],
  ['2001:db8:1::/64', [], ['2001:db8:1::/64'], ['2001:db8:1:0:', '2001:db8:1::']],
  ['2001:db8::/64', [], ['2001:db8::/64'], []],
  ['2001:db8:0:1::/64', [], ['2001:db8:0:1::/64'], []],
  ['2001:db8:1::/56', [], ['2001:db8:1::/56'], []],
  ['::/16', [], ['::/16'], []],
] as const)('%s', ([text, plain, value, spelled]) => {
  const key = keyOf(addressFor(text)) ?? '';
  expect(writtenKeys(key, ipv4Only)).toEqual(plain);
  expect(writtenKeys(key, byValue)).toEqual(value);
  expect(writtenKeys(key, byText)).toEqual(spelled);
});
