/**
 * Notices when the configuration, or a file that it includes, is saved.
 *
 * Guarantee: a save while the watch is being set up is noticed too.
 */
import type { FSWatcher } from 'chokidar';
import { identitiesOf } from '../files/file-identity.ts';
import { watchFiles } from '../files/watch-files.ts';
import type { Health } from '../health/health.ts';
import { reasonOf } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';

const part = 'watch of the configuration';

export class ConfigWatcher {
  readonly #onSave: () => void;
  readonly #log: Log;
  readonly #health: Health;
  #watcher: FSWatcher | undefined;
  #files = '';

  constructor(onSave: () => void, log: Log, health: Health) {
    this.#onSave = onSave;
    this.#log = log;
    this.#health = health;
  }

  /** Watches exactly these files from now on. Must be called right after they are read. */
  follow(files: readonly string[]): void {
    const wanted = files.toSorted().join('\n');
    if (wanted === this.#files) return;
    this.#files = wanted;
    void this.#watcher?.close();
    this.#health.ended('watch', part);
    const read = identitiesOf(files);
    this.#watcher = watchFiles(files, {
      onReady: () => {
        if (wanted === this.#files && identitiesOf(files) !== read) this.#onSave();
      },
      onEvent: (event) => {
        if (event === 'add' || event === 'change') this.#onSave();
      },
      onTrouble: (error) => {
        this.#log.warn('cannot watch', { what: reasonOf(error) });
        this.#health.note('watch', part, reasonOf(error));
      },
    });
  }

  async close(): Promise<void> {
    await this.#watcher?.close();
  }
}
