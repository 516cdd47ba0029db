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
    const done = this.#attempt(work, (what) => this.begin(part, what));
    if (done) this.end(part);
    return done?.value;
  }

  /** As `try`, but a trouble that the part has already stays as it is, also when this succeeds. */
  look<T>(part: string, work: () => T): T | undefined {
    return this.#attempt(work, (what) => {
      if (!this.#current.has(part)) this.begin(part, what);
    })?.value;
  }

  begin(part: string, what: string): void {
    if (this.#current.get(part) === what) return;
    this.#current.set(part, what);
    this.#log.error('trouble', { part, what });
  }

  end(part: string): void {
    if (this.#current.delete(part)) this.#log.info('recovered', { part });
  }

  #attempt<T>(work: () => T, fail: (what: string) => void) {
    try {
      return { value: work() };
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#failures += 1;
      fail(error.message);
      return undefined;
    }
  }
}
