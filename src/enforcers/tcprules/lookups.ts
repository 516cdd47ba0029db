/**
 * What the installed tcpserver looks up, and so the keys that refuse a block there.
 *
 * djb's knows IPv4 only. Of its successors some understand IPv6 networks. Others compare text: they
 * look up an address in the one spelling that they write it in, then its prefixes that end in a
 * colon, and under -6 an IPv4 client as `::ffff:192.0.2.1`.
 *
 * Guarantee: the keys of a block refuse all of its addresses and no others. Pure.
 */
import { type Address, isSingle } from '../../core/address.ts';
import { addressOfKey, isIPv6Key } from './tcprules.ts';

export type Lookups = {
  readonly ipv6Addresses: boolean;
  /** `2001:db8::/48` */
  readonly ipv6Networks: boolean;
  /** `2001:db8:1:`, compared with the text of an address */
  readonly ipv6Prefixes: boolean;
  /** `::ffff:192.0.2.1` and `::ffff:192.0.2.`, besides `192.0.2.1` and `192.0.2.` */
  readonly mappedIPv4: boolean;
};

export const ipv4Only: Lookups = {
  ipv6Addresses: false,
  ipv6Networks: false,
  ipv6Prefixes: false,
  mappedIPv4: false,
};

/** Of a server that compares the text of an IPv6 address. */
export const textOnly: Lookups = { ...ipv4Only, ipv6Addresses: true, ipv6Prefixes: true };

/** How rules name what `key` of `keyOf` does; none: that is not possible. */
export function writtenKeys(key: string, lookups: Lookups): string[] {
  if (!isIPv6Key(key)) return lookups.mappedIPv4 ? [key, `::ffff:${key}`] : [key];
  const address = addressOfKey(key);
  if (!address) return [];
  if (isSingle(address)) return lookups.ipv6Addresses ? spellings(address) : [];
  if (lookups.ipv6Networks) return [key];
  return lookups.ipv6Prefixes ? textPrefixes(address) : [];
}

/** The canonical spelling of an IPv6 address, and that which writes a single zero as `::`. */
export function spellings({ text, octets }: Address): string[] {
  const groups = groupsOf(octets);
  const zero = groups.indexOf('0');
  if (text.includes('::') || zero < 0) return [text];
  return [text, `${groups.slice(0, zero).join(':')}::${groups.slice(zero + 1).join(':')}`];
}

/** What a server that compares text looks up for an IPv6 client, in its order. */
export function textLookups(address: Address): string[] {
  const text = spellings(address).at(-1) ?? '';
  const colons = [...text.matchAll(/:/g)].map(({ index }) => index).reverse();
  return [text, ...colons.map((at) => text.slice(0, at + 1))];
}

/**
 * The texts with which the spellings of all addresses of the network begin, and no others. There are
 * none when its bits are no whole groups. Neither are there when it has zeros in front of its last
 * group: behind `2001:db8::` it cannot be told how many they were.
 */
function textPrefixes({ octets, prefixLength }: Address): string[] {
  if (prefixLength % 16 !== 0) return [];
  const groups = groupsOf(octets).slice(0, prefixLength / 16);
  const front = groups.slice(0, -1);
  if (front.length === 0 || front.includes('0')) return [];
  const whole = `${groups.join(':')}:`;
  return groups.at(-1) === '0' ? [whole, `${front.join(':')}::`] : [whole];
}

function groupsOf(octets: readonly number[]): string[] {
  return Array.from({ length: 8 }, (_, index) => {
    const [high = 0, low = 0] = octets.slice(2 * index);
    return ((high << 8) | low).toString(16);
  });
}
