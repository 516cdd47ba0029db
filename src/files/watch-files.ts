/**
 * Notices when files are saved. Editors save in many ways (in place, by rename, by remove and
 * create), which chokidar knows. A file counts as saved when it has rested for a moment, so that it
 * is not read half-written.
 *
 * Only a hint: it misses what is saved while the watch is being set up, and a link on the way to a file
 * that leads elsewhere. See identity-watch.ts.
 */
import { type FSWatcher, watch } from 'chokidar';

const settledMs = 100;

export type FileListener = {
  onEvent(event: string, path: string): void;
  onTrouble(error: unknown): void;
};

export function watchFiles(files: readonly string[], listener: FileListener): FSWatcher {
  return watch([...files], {
    ignoreInitial: true,
    awaitWriteFinish: { stabilityThreshold: settledMs, pollInterval: settledMs / 4 },
  })
    .on('all', (event, path) => listener.onEvent(event, path))
    .on('error', (error) => listener.onTrouble(error));
}
