/**
 * Checks that the database's file is still in its place: after it was removed or replaced, no later
 * rater would find what this one writes.
 *
 * Guarantee: that is trouble from the next look on, until the file is back in its place.
 */
import { birthAt } from '../files/file-identity.ts';
import type { Health } from '../health/health.ts';
import { reasonOf } from '../runtime/errors.ts';

const mode = 'database file';

export class DatabaseWatch {
  readonly #path: string;
  readonly #health: Health;
  readonly #identity: string | undefined;

  /** `path` must be open already; `:memory:` has no file. */
  constructor(path: string, health: Health) {
    this.#path = path;
    this.#health = health;
    this.#identity = birthAt(path);
  }

  look(): void {
    const what = this.#whatIsWrong();
    const part = `file ${this.#path}`;
    if (what === undefined) this.#health.worked(mode, part);
    else if (what !== this.#health.trouble(mode, part)?.what) this.#health.failed(mode, part, what);
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
