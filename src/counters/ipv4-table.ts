/**
 * A map from IPv4 addresses, each as its 32 bits, to numbers from 0 on: a hash table with linear
 * probing in one typed array. In a large table an entry takes 11 to 21 bytes, up to 64 after most
 * have gone. The garbage collector need not walk it, and a look-up reads one line of the processor's
 * cache, where a Map of texts reads five.
 *
 * Guarantee: it is at most three quarters full, and shrinks again.
 */
import { randomInt } from 'node:crypto';

const smallest = 8;
/** Random, or somebody could send addresses that all collide and slow down every check. */
const key = randomInt(2 ** 32);

/** Each bit of the hash depends on the key and on all bits of the address. */
export function ipv4Hash(bits: number): number {
  let hash = bits ^ key;
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return hash ^ (hash >>> 16);
}

export class Ipv4Table {
  /** By turns the bits of an address and its number plus 1; 0 there marks a free slot. */
  #slots = new Int32Array(2 * smallest);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(bits: number): number | undefined {
    const stored = (this.#slots[this.#find(bits) + 1] as number) >>> 0;
    return stored === 0 ? undefined : stored - 1;
  }

  set(bits: number, value: number): void {
    this.#put(bits, value);
    this.#fit();
  }

  /** Says whether there was such an entry. */
  delete(bits: number): boolean {
    const at = this.#find(bits);
    if (this.#slots[at + 1] === 0) return false;
    this.#close(at);
    this.#size -= 1;
    this.#fit();
    return true;
  }

  /** The addresses that are there now. */
  keys(): number[] {
    const slots = this.#slots;
    const keys: number[] = [];
    for (let at = 0; at < slots.length; at += 2) {
      if (slots[at + 1] !== 0) keys.push(slots[at] as number);
    }
    return keys;
  }

  /** In the order of a Map's: the number first. Nothing may be added or deleted meanwhile. */
  forEach(visit: (number: number, bits: number) => void): void {
    const slots = this.#slots;
    for (let at = 0; at < slots.length; at += 2) {
      const stored = (slots[at + 1] as number) >>> 0;
      if (stored !== 0) visit(stored - 1, slots[at] as number);
    }
  }

  /** Where the search begins. The upper 8 bits of the hash have chosen the table already. */
  #home(bits: number): number {
    const capacity = this.#slots.length / 2;
    return 2 * ((ipv4Hash(bits) << 8) >>> (Math.clz32(capacity) + 1));
  }

  #next(at: number): number {
    return (at + 2) & (this.#slots.length - 1);
  }

  /** The slot of the address, or the free one where it belongs. */
  #find(bits: number): number {
    const slots = this.#slots;
    let at = this.#home(bits);
    while (slots[at + 1] !== 0 && slots[at] !== bits) at = this.#next(at);
    return at;
  }

  #put(bits: number, value: number): void {
    const at = this.#find(bits);
    if (this.#slots[at + 1] === 0) this.#size += 1;
    this.#slots[at] = bits;
    this.#slots[at + 1] = value + 1;
  }

  /** Frees a slot; entries that had to go behind it move forward. */
  #close(at: number): void {
    const slots = this.#slots;
    const last = slots.length - 1;
    let free = at;
    for (let next = this.#next(at); slots[next + 1] !== 0; next = this.#next(next)) {
      const isBehindHome =
        ((next - this.#home(slots[next] as number)) & last) >= ((next - free) & last);
      if (!isBehindHome) continue;
      slots.copyWithin(free, next, next + 2);
      free = next;
    }
    slots[free + 1] = 0;
  }

  #fit(): void {
    const capacity = this.#slots.length / 2;
    if (this.#size * 4 > capacity * 3) this.#resize(capacity * 2);
    else if (this.#size * 8 < capacity && capacity > smallest) this.#resize(capacity / 2);
  }

  #resize(capacity: number): void {
    const old = this.#slots;
    this.#slots = new Int32Array(2 * capacity);
    this.#size = 0;
    for (let at = 0; at < old.length; at += 2) {
      const stored = old[at + 1] as number;
      if (stored !== 0) this.#put(old[at] as number, stored - 1);
    }
  }
}
