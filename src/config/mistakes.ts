/**
 * The mistakes found in configuration files, and warnings of what is likely meant otherwise, each
 * with its place.
 *
 * Guarantee: each is one printable line `file:line: what is wrong`, sorted by file and line, and
 * there are never more than `maxMistakes` of either and a last line that counts the rest.
 */

/** Where something was written. A whole file has no line. */
export type Place = { readonly file: string; readonly line?: number };

export const maxMistakes = 100;
const longestQuote = 60;

/** Outside text for a message: quoted, on one line, capped, without terminal controls. */
export function quotedValue(text: string): string {
  const short = text.length > longestQuote ? `${text.slice(0, longestQuote)}...` : text;
  return JSON.stringify(short).replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}

class Found {
  readonly #words: string;
  readonly #found: { place: Place; text: string }[] = [];
  #more = 0;

  constructor(words: string) {
    this.#words = words;
  }

  add(place: Place, text: string): void {
    if (this.#found.length < maxMistakes) this.#found.push({ place, text });
    else this.#more += 1;
  }

  get count(): number {
    return this.#found.length + this.#more;
  }

  /** Sorted, files in the order in which their first mistake was found. */
  lines(): string[] {
    const files = [...new Set(this.#found.map(({ place }) => place.file))];
    const rank = new Map(files.map((file, index) => [file, index]));
    const sorted = this.#found.toSorted(
      ({ place: a }, { place: b }) =>
        (rank.get(a.file) ?? 0) - (rank.get(b.file) ?? 0) || (a.line ?? 0) - (b.line ?? 0),
    );
    const lines = sorted.map(({ place, text }) => {
      const where = place.line === undefined ? place.file : `${place.file}:${place.line}`;
      return `${where}: ${text}`;
    });
    return this.#more === 0
      ? lines
      : [...lines, `${files[0]}: and ${this.#more} more ${this.#words}`];
  }
}

export class Mistakes {
  readonly #mistakes = new Found('mistakes');
  readonly #warnings = new Found('warnings');

  add(place: Place, text: string): void {
    this.#mistakes.add(place, text);
  }

  /** Tells what is no mistake, and perhaps not what was meant. */
  warn(place: Place, text: string): void {
    this.#warnings.add(place, `warning: ${text}`);
  }

  /** How many mistakes there are. */
  get count(): number {
    return this.#mistakes.count;
  }

  lines(): string[] {
    return this.#mistakes.lines();
  }

  /** The warnings, likewise. */
  warnings(): string[] {
    return this.#warnings.lines();
  }
}
