/**
 * IP addresses, parsed once, where they come in.
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
const dot = '.'.charCodeAt(0);
const zero = '0'.charCodeAt(0);
const nine = '9'.charCodeAt(0);
const ipv6Zone = /%[0-9A-Za-z._-]+$/;

function full(family: 4 | 6): number {
  return family === 4 ? 32 : 128;
}

/**
 * The 32 bits of an IPv4 address as a signed number; undefined when the bytes are not the canonical
 * spelling of one. Every check comes through here, so no string is made for it or for an octet.
 */
export function ipv4BitsIn(bytes: Uint8Array, start: number, end: number): number | undefined {
  let bits = 0;
  let dots = 0;
  /** -1 before its first digit. */
  let octet = -1;
  for (let index = start; index < end; index += 1) {
    const code = bytes[index] as number;
    if (code === dot && octet >= 0) {
      bits = (bits << 8) | octet;
      dots += 1;
      octet = -1;
    } else if (code < zero || code > nine || octet === 0) {
      return undefined;
    } else {
      octet = Math.max(octet, 0) * 10 + code - zero;
      if (octet > 255) return undefined;
    }
  }
  return dots === 3 && octet >= 0 ? (bits << 8) | octet : undefined;
}

/** The longest canonical spelling, in characters. */
const longestIPv4 = '255.255.255.255'.length;
const spelling = new Uint8Array(longestIPv4);

/** The same of a text. */
export function ipv4Bits(text: string): number | undefined {
  const { length } = text;
  if (length > longestIPv4) return undefined;
  for (let index = 0; index < length; index += 1) {
    const code = text.charCodeAt(index);
    if (code > nine) return undefined;
    spelling[index] = code;
  }
  return ipv4BitsIn(spelling, 0, length);
}

function octetsOf(bits: number): number[] {
  return [bits >>> 24, (bits >>> 16) & 255, (bits >>> 8) & 255, bits & 255];
}

/** The first 32 bits of an address or network as a signed number. */
export function leadingBits({ octets }: Pick<Address, 'octets'>): number {
  const [a, b, c, d] = octets as [number, number, number, number];
  return (a << 24) | (b << 16) | (c << 8) | d;
}

/** What `ipv4Bits` would read from the text of the address; undefined for IPv6 and networks. */
export function bitsOf(address: Address): number | undefined {
  return address.family === 4 && isSingle(address) ? leadingBits(address) : undefined;
}

/** The address with these 32 bits. */
export function ipv4Text(bits: number): string {
  return octetsOf(bits).join('.');
}

function textOf(family: 4 | 6, octets: readonly number[]): string {
  return family === 4
    ? octets.join('.')
    : new ipaddr.IPv6(octets as number[]).toRFC5952String().toLowerCase();
}

function parseIPv4(text: string): Address | undefined {
  const bits = ipv4Bits(text);
  if (bits === undefined) return undefined;
  return { text, family: 4, octets: octetsOf(bits), prefixLength: 32 };
}

/**
 * IPv6 text with an IPv4 tail written as two groups, because ipaddr.js takes `::1.2.3.4` to be
 * `::ffff:1.2.3.4`, which is another address. Undefined when the tail is no IPv4 address.
 */
function withoutDots(text: string): string | undefined {
  if (!text.includes('.')) return text;
  const start = text.lastIndexOf(':') + 1;
  const bits = ipv4Bits(text.slice(start));
  if (bits === undefined) return undefined;
  return `${text.slice(0, start)}${(bits >>> 16).toString(16)}:${(bits & 0xffff).toString(16)}`;
}

/** The address that `text` spells, or undefined. A zone (`%eth0`) is dropped. */
export function parseAddress(text: string): Address | undefined {
  if (text.length > longestAddress) return undefined;
  const known = parseIPv4(text);
  if (known) return known;
  const bare = withoutDots(text.replace(ipv6Zone, ''));
  if (!bare?.includes(':') || bare.includes('%') || !ipaddr.IPv6.isValid(bare)) return undefined;
  const parsed = ipaddr.IPv6.parse(bare);
  if (parsed.isIPv4MappedAddress()) return parseIPv4(parsed.toIPv4Address().toString());
  const octets = parsed.toByteArray();
  return { text: textOf(6, octets), family: 6, octets, prefixLength: 128 };
}

/** The network of `prefixLength` bits that `address` lies in; for all its bits, itself. */
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

/**
 * What `192.0.2.7/24`, which is no network as it is written, can mean: the network that
 * `parseNetwork` makes of it, or the address. Undefined for all else.
 */
export function hostBitsIn(
  text: string,
): { readonly network: Address; readonly address: Address } | undefined {
  const network = parseNetwork(text);
  const address = parseAddress(text.split('/', 1)[0] ?? '');
  if (!network || !address || isSingle(network)) return undefined;
  const isClear = address.octets.every((octet, index) => octet === network.octets[index]);
  return isClear ? undefined : { network, address };
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

/** NAT64, by RFC 6052 and 8215: of each, a /64 may be all of IPv4. */
const nat64 = ['64:ff9b::/96', '64:ff9b:1::/48'].flatMap((text) => parseNetwork(text) ?? []);

/** Whether it stands for an IPv4 address, behind which its client is. */
export function isNat64(address: Address): boolean {
  if (address.family !== 6 || address.octets[1] !== 0x64) return false;
  return nat64.some((network) => contains(network, address));
}

/** Whether it is one address, not a wider network. */
export function isSingle(address: Address): boolean {
  return address.prefixLength === full(address.family);
}

/** Whether only this host itself can reach it. */
export function isLoopback(address: Address | undefined): boolean {
  if (!address || !isSingle(address)) return false;
  return address.family === 4 ? address.octets[0] === 127 : address.text === '::1';
}
