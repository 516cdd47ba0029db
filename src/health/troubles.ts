/**
 * The parts that are in trouble: each trouble is logged when it begins, changes and ends, and not
 * at every attempt in between, of which each may be about another file. Every attempt is counted.
 */

import { errnoOf, Fault } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import type { ModeName } from './degraded-modes.ts';
import type { Degradations } from './health.ts';

export class Troubles {
  readonly #log: Log;
  readonly #degradations: Degradations;
  readonly #current = new Map<string, string>();
  /** Of each part in trouble: the system's name for it, or all that was said. */
  readonly #kinds = new Map<string, string>();
  #failures = 0;

  constructor(log: Log, degradations: Degradations) {
    this.#log = log;
    this.#degradations = degradations;
  }

  /** What is wrong now: part and sentence. */
  get current(): ReadonlyMap<string, string> {
    return this.#current;
  }

  /** How many attempts have failed since the start. */
  get failures(): number {
    return this.#failures;
  }

  /** Does `work` for `part`; a Fault becomes the part's trouble and undefined the answer. */
  try<T>(mode: ModeName, part: string, work: () => T): T | undefined {
    const failures = this.#failures;
    const done = this.attempt(mode, part, work);
    if (this.#failures === failures) this.worked(mode, part);
    return done;
  }

  /** The same with one thing of many: that it works does not mend what has failed. */
  attempt<T>(mode: ModeName, part: string, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.failed(mode, part, error.message, errnoOf(error.cause));
      return undefined;
    }
  }

  worked(mode: ModeName, part: string): void {
    if (!this.#current.delete(part)) return;
    this.#degradations.ended(mode, part);
    this.#log.info('recovered', { part });
  }

  /** What is of the same `kind` as before is the same trouble. */
  failed(mode: ModeName, part: string, what: string, kind = what): void {
    this.#failures += 1;
    this.#degradations.note(mode, part, what);
    const isSame = this.#current.has(part) && this.#kinds.get(part) === kind;
    this.#current.set(part, what);
    this.#kinds.set(part, kind);
    if (isSame) return;
    this.#log.error('trouble', { part, what });
  }
}
