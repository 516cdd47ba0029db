/**
 * Networks in an order; finds the first of them that covers an address.
 *
 * Finding takes a binary search and at most one step more per prefix length.
 */
import { type Address, isSingle, leadingBits } from './address.ts';

/** From the first address of a network to its last, in an order of keys. */
type Range<Key> = { readonly start: Key; readonly end: Key; readonly position: number };

/** Ranges of which any two are apart, or one lies in the other. */
class Ranges<Key extends number | string> {
  readonly #starts: Key[] = [];
  readonly #ends: Key[] = [];
  /** The range around each, as an index; -1 for none. */
  readonly #around: number[] = [];
  readonly #positions: number[] = [];

  constructor(ranges: Range<Key>[]) {
    // Of two with one start, the wider is around the other.
    ranges.sort((a, b) => compare(a.start, b.start) || compare(b.end, a.end));
    for (const { start, end, position } of ranges) {
      const around = this.#climb(this.#starts.length - 1, end);
      // One behind another that is around it is never the first: so the narrowest always is.
      if ((this.#positions[around] ?? position) < position) continue;
      this.#starts.push(start);
      this.#ends.push(end);
      this.#around.push(around);
      this.#positions.push(position);
    }
  }

  /** The lowest position of those that hold all from `start` to `end`; undefined when none does. */
  find(start: Key, end: Key): number | undefined {
    let [low, high] = [0, this.#starts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#starts[middle] as Key) <= start) low = middle + 1;
      else high = middle;
    }
    return this.#positions[this.#climb(low - 1, end)];
  }

  /** The first range that reaches to `end`, of this one and those around it. */
  #climb(from: number, end: Key): number {
    let index = from;
    while (index >= 0 && (this.#ends[index] as Key) < end) index = this.#around[index] as number;
    return index;
  }
}

function compare<Key extends number | string>(a: Key, b: Key): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function ipv4Key(octets: readonly number[]): number {
  return leadingBits({ octets }) >>> 0;
}

/** Compares as the octets do. */
function ipv6Key(octets: readonly number[]): string {
  return String.fromCharCode(...octets);
}

function lastOctets({ octets, prefixLength }: Address): number[] {
  return octets.map((octet, index) => {
    return octet | (0xff >> Math.min(8, Math.max(0, prefixLength - index * 8)));
  });
}

export class FirstNetwork {
  readonly #ipv4: Ranges<number>;
  readonly #ipv6: Ranges<string>;

  /** Each at its position, which is an index; undefined is none. */
  constructor(networks: readonly (Address | undefined)[]) {
    const ranges = <Key>(family: 4 | 6, keyOf: (octets: readonly number[]) => Key): Range<Key>[] =>
      networks.flatMap((network, position) => {
        if (network?.family !== family) return [];
        return { start: keyOf(network.octets), end: keyOf(lastOctets(network)), position };
      });
    this.#ipv4 = new Ranges(ranges(4, ipv4Key));
    this.#ipv6 = new Ranges(ranges(6, ipv6Key));
  }

  /** The position of the first that covers all of the address or network; undefined: none does. */
  find(address: Address): number | undefined {
    const last = isSingle(address) ? address.octets : lastOctets(address);
    return address.family === 4
      ? this.#ipv4.find(ipv4Key(address.octets), ipv4Key(last))
      : this.#ipv6.find(ipv6Key(address.octets), ipv6Key(last));
  }
}
