/**
 * The file of metrics that the textfile collector of node_exporter reads.
 *
 * Guarantee: it is replaced whole, by rename, and readable by all; a stop removes it, so that what
 * is old does not look like now.
 */
import { removeLeftovers, removeQuietly, replaceFile } from '../files/replace-file.ts';
import type { Health } from '../health/health.ts';
import { Fault, reasonOf } from '../runtime/errors.ts';
import { doBeside } from '../runtime/work.ts';

const mode = 0o644;
const part = 'file of metrics';

export class MetricsFile {
  readonly #path: string;
  readonly #text: () => string;
  readonly #health: Health;
  #writing: Promise<void> | undefined;

  constructor(path: string, text: () => string, health: Health) {
    this.#path = path;
    this.#text = text;
    this.#health = health;
    removeLeftovers(path);
  }

  /** Writes it beside other things; does nothing while that goes on. */
  write(): void {
    this.#writing ??= this.#replace().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Resolves when it is gone. */
  async remove(): Promise<void> {
    await this.#writing;
    removeQuietly(this.#path);
  }

  async #replace(): Promise<void> {
    try {
      await doBeside(replaceFile(this.#path, Buffer.from(this.#text()), mode));
      this.#health.worked('metrics', part);
    } catch (error) {
      // The sentence of this Fault is about blocks.
      const what = error instanceof Fault ? error.detail : reasonOf(error);
      this.#health.failed('metrics', part, what);
    }
  }
}
