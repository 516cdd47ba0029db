/**
 * Looks whether the database still has its file: what is written into one that was removed or
 * replaced, no later rater finds.
 *
 * Guarantee: that is trouble from the next look on, until the file is back in its place.
 */
import { statSync } from 'node:fs';
import { birthOf } from '../files/file-identity.ts';
import type { Troubles } from '../health/troubles.ts';
import { reasonOf } from '../runtime/errors.ts';

const mode = 'database file';

export class DatabaseWatch {
  readonly #path: string;
  readonly #troubles: Troubles;
  readonly #identity: string | undefined;
  /** What is wrong, as far as it was told. */
  #told: string | undefined;

  /** `path` has been opened; `:memory:` has no file. */
  constructor(path: string, troubles: Troubles) {
    this.#path = path;
    this.#troubles = troubles;
    this.#identity = birthAt(path);
  }

  look(): void {
    const what = this.#whatIsWrong();
    if (what === this.#told) return;
    this.#told = what;
    const part = `file ${this.#path}`;
    if (what === undefined) this.#troubles.worked(mode, part);
    else this.#troubles.failed(mode, part, what);
  }

  #whatIsWrong(): string | undefined {
    try {
      const identity = birthAt(this.#path);
      if (identity === this.#identity) return undefined;
      return `it was ${identity === undefined ? 'removed' : 'replaced'} while it was in use`;
    } catch (error) {
      return reasonOf(error);
    }
  }
}

/** Undefined: there is no such file. Throws errors of the file system. */
function birthAt(path: string): string | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats && birthOf(stats);
}
