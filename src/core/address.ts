/**
 * IP addresses, parsed once at the door.
 *
 * Guarantee: two spellings of one address have one `text`; `::ffff:1.2.3.4` is 1.2.3.4. The text
 * of an IPv4 address holds digits and dots only (a network adds one slash), so it can be a file
 * name, a cdb key or part of a log line as it stands.
 */
import ipaddr from 'ipaddr.js';

/** An address, or with a shorter `prefixLength` a whole network (host bits zero). */
export type Address = {
  /** Canonical: `192.0.2.1`, `2001:db8::1`, `192.0.2.0/24`. */
  readonly text: string;
  readonly family: 4 | 6;
  /** 4 or 16 bytes, network order. */
  readonly octets: readonly number[];
  /** 32 or 128 for a single address. */
  readonly prefixLength: number;
};

const longestAddress = 64;
const strictIPv4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
const dot = '.'.charCodeAt(0);
const zero = '0'.charCodeAt(0);
const ipv6Zone = /%[0-9A-Za-z._-]+$/;

function full(family: 4 | 6): number {
  return family === 4 ? 32 : 128;
}

function textOf(family: 4 | 6, octets: readonly number[]): string {
  return family === 4
    ? octets.join('.')
    : new ipaddr.IPv6(octets as number[]).toRFC5952String().toLowerCase();
}

/** Of a strict IPv4 address. Every check comes through here: no string is made for each octet. */
function octetsOf(text: string): number[] {
  const octets = [0, 0, 0, 0];
  let at = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === dot) at += 1;
    else octets[at] = (octets[at] as number) * 10 + code - zero;
  }
  return octets;
}

function parseIPv4(text: string): Address {
  return { text, family: 4, octets: octetsOf(text), prefixLength: 32 };
}

/**
 * IPv6 text with an IPv4 tail written as two groups, because ipaddr.js takes `::1.2.3.4` to be
 * `::ffff:1.2.3.4`, which is another address. Undefined when the tail is no IPv4 address.
 */
function withoutDots(text: string): string | undefined {
  if (!text.includes('.')) return text;
  const start = text.lastIndexOf(':') + 1;
  const dotted = text.slice(start);
  if (!strictIPv4.test(dotted)) return undefined;
  const [a = 0, b = 0, c = 0, d = 0] = parseIPv4(dotted).octets;
  return `${text.slice(0, start)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

/** The address that `text` spells, or undefined. A zone (`%eth0`) is dropped. */
export function parseAddress(text: string): Address | undefined {
  if (text.length > longestAddress) return undefined;
  if (strictIPv4.test(text)) return parseIPv4(text);
  const bare = withoutDots(text.replace(ipv6Zone, ''));
  if (!bare?.includes(':') || bare.includes('%') || !ipaddr.IPv6.isValid(bare)) return undefined;
  const parsed = ipaddr.IPv6.parse(bare);
  if (parsed.isIPv4MappedAddress()) return parseIPv4(parsed.toIPv4Address().toString());
  const octets = parsed.toByteArray();
  return { text: textOf(6, octets), family: 6, octets, prefixLength: 128 };
}

/** The network of `prefixLength` bits that `address` lies in; the address itself when full. */
export function networkOf(address: Address, prefixLength: number): Address {
  if (prefixLength >= address.prefixLength) return address;
  const octets = address.octets.map((octet, index) => {
    const bits = Math.min(8, Math.max(0, prefixLength - index * 8));
    return octet & (0xff00 >> bits) & 0xff;
  });
  const text = `${textOf(address.family, octets)}/${prefixLength}`;
  return { text, family: address.family, octets, prefixLength };
}

/**
 * The address or network (`192.0.2.0/24`) that `text` spells, or undefined. Host bits are
 * cleared, so `192.0.2.7/24` is `192.0.2.0/24`.
 */
export function parseNetwork(text: string): Address | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return parseAddress(text);
  const address = parseAddress(text.slice(0, slash));
  const digits = text.slice(slash + 1);
  if (!address || !/^(?:0|[1-9]\d{0,2})$/.test(digits)) return undefined;
  const folded = address.family === 4 && text.includes(':') ? 96 : 0;
  const length = Number(digits) - folded;
  return length < 0 || length > full(address.family) ? undefined : networkOf(address, length);
}

/** Whether `network` (or a single address) holds all of `address`. */
export function contains(network: Address, address: Address): boolean {
  if (network.family !== address.family || network.prefixLength > address.prefixLength) {
    return false;
  }
  return networkOf(address, network.prefixLength).octets.every(
    (octet, index) => octet === network.octets[index],
  );
}

/** Whether it is one address and no wider network. */
export function isSingle(address: Address): boolean {
  return address.prefixLength === full(address.family);
}

/** Whether only this host itself can reach it. */
export function isLoopback(address: Address | undefined): boolean {
  if (!address || !isSingle(address)) return false;
  return address.family === 4 ? address.octets[0] === 127 : address.text === '::1';
}
