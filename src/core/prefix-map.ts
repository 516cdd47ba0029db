/**
 * Finds the block that covers an address: its own, or that of a network it lies in.
 *
 * Finding costs one look-up per prefix length in use, however many blocks there are.
 */
import { type Address, networkOf } from './address.ts';
import { Ipv4Networks } from './ipv4-networks.ts';

type Covers = { readonly address: Address };

function lengthKey({ family, prefixLength }: Address): number {
  return family * 1000 + prefixLength;
}

export class PrefixMap<B extends Covers> {
  readonly #byText = new Map<string, B>();
  readonly #ipv4 = new Ipv4Networks();
  /** How many blocks there are of each family and prefix length. */
  readonly #lengths = new Map<number, { family: 4 | 6; length: number; blocks: number }>();

  get size(): number {
    return this.#byText.size;
  }

  set(block: B): void {
    this.delete(block.address);
    this.#byText.set(block.address.text, block);
    this.#ipv4.add(block.address);
    const { family, prefixLength: length } = block.address;
    const key = lengthKey(block.address);
    const known = this.#lengths.get(key);
    if (known) known.blocks += 1;
    else this.#lengths.set(key, { family, length, blocks: 1 });
  }

  /** Removes the block of exactly this address or network. */
  delete(address: Address): void {
    if (!this.#byText.delete(address.text)) return;
    this.#ipv4.delete(address);
    const key = lengthKey(address);
    const known = this.#lengths.get(key);
    if (!known) return;
    known.blocks -= 1;
    if (known.blocks === 0) this.#lengths.delete(key);
  }

  /** Whether there is a block of exactly the address or network with this text. */
  has(text: string): boolean {
    return this.#byText.has(text);
  }

  /** The block of exactly this address or network. */
  get(address: Address): B | undefined {
    return this.#byText.get(address.text);
  }

  /** The narrowest block that covers the address and that `isWanted` accepts. */
  find(address: Address, isWanted: (block: B) => boolean = () => true): B | undefined {
    let found: B | undefined;
    for (const { family, length } of this.#lengths.values()) {
      if (family !== address.family || length > address.prefixLength) continue;
      const block = this.#byText.get(networkOf(address, length).text);
      if (!block || !isWanted(block)) continue;
      if (block.address.prefixLength >= (found?.address.prefixLength ?? 0)) found = block;
    }
    return found;
  }

  /** Whether a block covers the IPv4 address with these bits. */
  coversIPv4(bits: number): boolean {
    return this.#ipv4.hold(bits);
  }

  values(): IterableIterator<B> {
    return this.#byText.values();
  }
}
