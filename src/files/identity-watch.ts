/**
 * Tells that files are others than they were, also where the system reports nothing: a link on the way
 * to them leads elsewhere, or another directory has the name of theirs.
 *
 * It has to be asked now and then. What it tells was the same at two looks in a row, so that nobody
 * reads a file that is half written.
 */
import { identityOf } from './file-identity.ts';

/** By path; undefined: it is not there. */
export type Identities = ReadonlyMap<string, string | undefined>;

export class IdentityWatch {
  readonly #paths: readonly string[];
  #known: Identities;
  #seen: Identities;

  /** Only what is other than `known` is news, and of further files what is other than now. */
  constructor(paths: readonly string[], known: Identities = new Map()) {
    this.#paths = paths;
    this.#seen = this.now();
    this.#known = new Map([...this.#seen, ...known]);
  }

  now(): Identities {
    return new Map(this.#paths.map((path) => [path, identityOf(path)]));
  }

  /** What is there now is no news. */
  know(): void {
    this.#known = this.now();
  }

  /** Whether there is news; it is told once. */
  look(): boolean {
    const now = this.now();
    const isNews = this.#areSame(now, this.#seen) && !this.#areSame(now, this.#known);
    this.#seen = now;
    if (isNews) this.#known = now;
    return isNews;
  }

  #areSame(one: Identities, other: Identities): boolean {
    return this.#paths.every((path) => one.get(path) === other.get(path));
  }
}
