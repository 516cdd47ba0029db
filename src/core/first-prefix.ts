/**
 * Prefixes, or suffixes, in an order; finds the first of them that a text has.
 *
 * Finding costs one look-up per length in use, however many there are.
 */

/** All of one length, with their positions in the order. */
type Group = { readonly length: number; readonly positions: Map<string, number> };

export class FirstPrefix {
  /** The longest first. */
  readonly #groups: Group[] = [];
  readonly #cut: (text: string, length: number) => string;

  /** `cut` gives the prefix, or suffix, of this length. */
  constructor(cut: (text: string, length: number) => string) {
    this.#cut = cut;
  }

  /**
   * Adds one behind all that were added before. It is left out when it has an earlier one itself: so
   * of those that a text has, the longest comes first.
   */
  add(prefix: string, position: number): void {
    if (this.find(prefix) !== undefined) return;
    const { length } = prefix;
    let group = this.#groups.find((each) => each.length === length);
    if (!group) {
      group = { length, positions: new Map() };
      this.#groups.push(group);
      this.#groups.sort((a, b) => b.length - a.length);
    }
    group.positions.set(prefix, position);
  }

  /** The position of the first that the text has; undefined when it has none. */
  find(text: string): number | undefined {
    for (const { length, positions } of this.#groups) {
      const position = positions.get(this.#cut(text, length));
      if (position !== undefined) return position;
    }
    return undefined;
  }
}
