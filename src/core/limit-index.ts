/**
 * The limits of a class: the first whose pattern matches a value decides.
 *
 * Guarantee: the time to find it does not grow with the number of addresses, plain texts, and globs
 * whose only special character is a `*` at one end; with that of networks only as their logarithm.
 * Other globs are tried one by one, but for those behind a match.
 */
import type { Address } from './address.ts';
import { FirstNetwork } from './first-network.ts';
import { FirstPrefix } from './first-prefix.ts';
import type { Limit } from './limits.ts';
import { type Atom, parseGlob, special } from './pattern.ts';

/** The text that the atoms spell; undefined when one of them may match anything else. */
function spelled(atoms: readonly Atom[]): string | undefined {
  const characters = atoms.map((atom) => (atom.kind === 'one' ? atom.literal : undefined));
  return characters.every((character) => character !== undefined)
    ? characters.map((character) => String.fromCodePoint(character)).join('')
    : undefined;
}

export class LimitIndex {
  readonly #limits: readonly Limit[];
  /** The position of the first `*`, which matches all that come to it; without one, of none. */
  readonly #last: number;
  readonly #networks: FirstNetwork;
  readonly #texts = new Map<string, number>();
  readonly #prefixes = new FirstPrefix((text, length) => text.slice(0, length));
  /** None is empty: `**` is a prefix. */
  readonly #suffixes = new FirstPrefix((text, length) => text.slice(-length));
  /** The positions of the globs that are neither text, prefix nor suffix. */
  readonly #others: number[] = [];

  constructor(limits: readonly Limit[]) {
    this.#limits = limits;
    const everything = limits.findIndex(({ pattern }) => pattern.text === '*');
    this.#last = everything < 0 ? limits.length : everything;
    const reached = limits.slice(0, this.#last);
    this.#networks = new FirstNetwork(reached.map(({ pattern }) => pattern.network));
    for (const [position, { pattern }] of reached.entries()) {
      if (!pattern.network) this.#addGlob(pattern.text, position);
    }
  }

  /** The first limit that matches, `address` being that of `value` in an address class. */
  find(value: string, address: Address | undefined): Limit | undefined {
    const last = this.#last;
    if (last === 0) return this.#limits[0];
    const found = Math.min(
      (address && this.#networks.find(address)) ?? last,
      this.#texts.get(value) ?? last,
      this.#prefixes.find(value) ?? last,
      this.#suffixes.find(value) ?? last,
    );
    for (const position of this.#others) {
      if (position > found) break;
      if (this.#limits[position]?.pattern.matches(value, address)) return this.#limits[position];
    }
    return this.#limits[found];
  }

  #addGlob(glob: string, position: number): void {
    const atoms = special.test(glob) ? parseGlob(glob) : undefined;
    const text = atoms ? spelled(atoms) : glob;
    const prefix = atoms?.at(-1)?.kind === 'star' ? spelled(atoms.slice(0, -1)) : undefined;
    const suffix = atoms?.[0]?.kind === 'star' ? spelled(atoms.slice(1)) : undefined;
    if (text !== undefined) this.#texts.set(text, this.#texts.get(text) ?? position);
    else if (prefix !== undefined) this.#prefixes.add(prefix, position);
    else if (suffix !== undefined) this.#suffixes.add(suffix, position);
    else this.#others.push(position);
  }
}
