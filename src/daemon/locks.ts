/**
 * The locks that keep a second rater from the socket and the database of this one.
 *
 * Guarantee: when somebody removes or replaces the file of a lock, the next look takes that of the
 * new file. While it cannot, as when another rater has it, that is trouble.
 */
import type { Health } from '../health/health.ts';
import type { Log } from '../runtime/log.ts';
import { InstanceLock } from '../store/instance-lock.ts';

export class Locks {
  readonly #locks: readonly InstanceLock[];
  readonly #log: Log;
  readonly #health: Health;

  /** For each of the paths. @throws Fault */
  constructor(paths: readonly string[], log: Log, health: Health) {
    this.#locks = paths.map((path) => new InstanceLock(path));
    this.#log = log;
    this.#health = health;
  }

  look(): void {
    for (const lock of this.#locks) {
      const isAnew = this.#health.try('lock', `lock ${lock.file}`, () => lock.keep());
      if (isAnew) this.#log.warn('locked again', { file: lock.file });
    }
  }

  release(): void {
    for (const lock of this.#locks) lock.release();
  }
}
