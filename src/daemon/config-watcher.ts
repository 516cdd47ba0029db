/**
 * Notices when the configuration, or a file that it includes, is saved, or another file takes its place.
 *
 * Guarantee: what is saved while it is read, or while the watch is being set up, is noticed too, and so
 * is a link on the way to a file that leads elsewhere: `look` finds what the watch does not report.
 */
import type { FSWatcher } from 'chokidar';
import { birthIfSeen } from '../files/file-identity.ts';
import { type Identities, IdentityWatch } from '../files/identity-watch.ts';
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
  #identities = new IdentityWatch([]);
  /** The files that the watch is of. */
  #watched = '';

  constructor(onSave: () => void, log: Log, health: Health) {
    this.#onSave = onSave;
    this.#log = log;
    this.#health = health;
  }

  /** Those of the files that are followed. Ask before they are read again. */
  identities(): Identities {
    return this.#identities.now();
  }

  /** Follows exactly these files from now on, which were read when their identities were `read`. */
  follow(files: readonly string[], read?: Identities): void {
    this.#identities = new IdentityWatch(files, read);
    const watched = files.map((file) => `${file} ${birthIfSeen(file)}`).join('\n');
    if (watched === this.#watched) return;
    this.#watched = watched;
    void this.#watcher?.close();
    this.#health.ended('watch', part);
    this.#watcher = watchFiles(files, {
      onEvent: (event) => {
        if (event !== 'add' && event !== 'change') return;
        this.#identities.know();
        this.#onSave();
      },
      onTrouble: (error) => {
        this.#log.warn('cannot watch', { what: reasonOf(error) });
        this.#health.note('watch', part, reasonOf(error));
      },
    });
  }

  look(): void {
    if (this.#identities.look()) this.#onSave();
  }

  async close(): Promise<void> {
    await this.#watcher?.close();
  }
}
