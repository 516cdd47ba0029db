/**
 * The parts that are in trouble: each trouble is logged when it begins, changes and ends, and not
 * at every attempt in between.
 */
import { Fault } from './errors.ts';
import type { Log } from './log.ts';

export class Troubles {
  readonly #log: Log;
  readonly #current = new Map<string, string>();
  #failures = 0;

  constructor(log: Log) {
    this.#log = log;
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
  try<T>(part: string, work: () => T): T | undefined {
    try {
      const done = work();
      if (this.#current.delete(part)) this.#log.info('recovered', { part });
      return done;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#failures += 1;
      if (this.#current.get(part) !== error.message) {
        this.#current.set(part, error.message);
        this.#log.error('trouble', { part, what: error.message });
      }
      return undefined;
    }
  }
}
