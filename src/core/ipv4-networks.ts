/**
 * A set of IPv4 networks that says of an address, given as its 32 bits, whether one of them holds it.
 *
 * Guarantee: asking costs one look-up per prefix length in use, however many networks there are, and
 * allocates nothing.
 */
import { type Address, leadingBits } from './address.ts';

type OfOneLength = {
  readonly mask: number;
  readonly networks: Set<number>;
  /** How often each mark was added. Where it never was, the set need not be asked. */
  readonly marks: Uint32Array;
};

const marks = 4096;

function markOf(bits: number): number {
  return Math.imul(bits, 0x9e3779b1) >>> (Math.clz32(marks) + 1);
}

function maskOf(prefixLength: number): number {
  return prefixLength === 0 ? 0 : -1 << (32 - prefixLength);
}

export class Ipv4Networks {
  readonly #lengths: OfOneLength[] = [];

  /** Adds a network or single address; those of IPv6 hold no IPv4 address. */
  add(network: Address): void {
    if (network.family !== 4) return;
    const bits = leadingBits(network);
    const { networks, marks } = this.#get(network) ?? this.#make(network);
    networks.add(bits);
    marks[markOf(bits)] = (marks[markOf(bits)] as number) + 1;
  }

  delete(network: Address): void {
    const bits = leadingBits(network);
    const found = network.family === 4 ? this.#get(network) : undefined;
    if (!found?.networks.delete(bits)) return;
    found.marks[markOf(bits)] = (found.marks[markOf(bits)] as number) - 1;
    if (found.networks.size === 0) this.#lengths.splice(this.#lengths.indexOf(found), 1);
  }

  /** Whether one of them holds the address with these bits. */
  hold(bits: number): boolean {
    for (const { mask, networks, marks } of this.#lengths) {
      const network = bits & mask;
      if (marks[markOf(network)] !== 0 && networks.has(network)) return true;
    }
    return false;
  }

  #get({ prefixLength }: Address): OfOneLength | undefined {
    const mask = maskOf(prefixLength);
    return this.#lengths.find((each) => each.mask === mask);
  }

  #make({ prefixLength }: Address): OfOneLength {
    const made = {
      mask: maskOf(prefixLength),
      networks: new Set<number>(),
      marks: new Uint32Array(marks),
    };
    this.#lengths.push(made);
    return made;
  }
}
