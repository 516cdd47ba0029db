/**
 * Notices when the configuration, or a file that it includes, is saved.
 *
 * Editors save in many ways (in place, by rename, by remove and create), which chokidar knows. A
 * file counts as saved when it has rested for a moment, so that no half-written one is read.
 * Guarantee: what is saved while the watch is being set up is noticed too.
 */
import { statSync } from 'node:fs';
import { type FSWatcher, watch } from 'chokidar';
import type { Degradations } from '../degradations.ts';
import { reasonOf } from '../errors.ts';
import type { Log } from '../log.ts';

const settledMs = 100;
const part = 'watch of the configuration';

/** Differs when a file was written or replaced. */
function identityOf(path: string): string {
  try {
    const { dev, ino, size, mtimeNs } = statSync(path, { bigint: true });
    return `${path} ${dev} ${ino} ${size} ${mtimeNs}`;
  } catch {
    return `${path} is not there`;
  }
}

function identitiesOf(files: readonly string[]): string {
  return files.map(identityOf).join('\n');
}

export class ConfigWatcher {
  readonly #onSave: () => void;
  readonly #log: Log;
  readonly #degradations: Degradations;
  #watcher: FSWatcher | undefined;
  #files = '';

  constructor(onSave: () => void, log: Log, degradations: Degradations) {
    this.#onSave = onSave;
    this.#log = log;
    this.#degradations = degradations;
  }

  /** Watches exactly these files from now on. Call it as soon as they are read. */
  follow(files: readonly string[]): void {
    const wanted = files.toSorted().join('\n');
    if (wanted === this.#files) return;
    this.#files = wanted;
    void this.#watcher?.close();
    this.#degradations.ended('watch', part);
    const read = identitiesOf(files);
    this.#watcher = watch([...files], {
      ignoreInitial: true,
      awaitWriteFinish: { stabilityThreshold: settledMs, pollInterval: settledMs / 4 },
    })
      .on('ready', () => {
        if (wanted === this.#files && identitiesOf(files) !== read) this.#onSave();
      })
      .on('all', (event) => {
        if (event === 'add' || event === 'change') this.#onSave();
      })
      .on('error', (error) => {
        this.#log.warn('cannot watch', { what: reasonOf(error) });
        this.#degradations.note('watch', part, reasonOf(error));
      });
  }

  async close(): Promise<void> {
    await this.#watcher?.close();
  }
}
