/**
 * One rater per socket, and one per database, held by the kernel.
 *
 * Guarantee: of two daemons started at once on one file, exactly one gets the lock, and it is
 * free again the moment its holder dies, however it dies. The lock is that of an empty SQLite
 * database beside the file, because Node offers no lock on files.
 */
import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import { refusePlanted } from '../files/planted-file.ts';
import { errnoOf, Fault, reasonOf } from '../runtime/errors.ts';
import { loadDriver } from './driver.ts';
import { preventGc } from './prevent-gc.ts';

/** Takes the lock for the socket or database at `path`; the returned function releases it. */
export function takeInstanceLock(path: string): () => void {
  const lock = `${path}.lock`;
  const Driver = loadDriver();
  refusePlanted(lock, 'listen');
  try {
    const database = preventGc(new Driver(lock, { timeout: 0 }));
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return () => {
      database.close();
    };
  } catch (error) {
    if (errnoOf(error) === 'SQLITE_BUSY') throw new Fault('alreadyRunning', `on ${path}`, error);
    throw new Fault('listen', refusedBy(dirname(lock)) ?? `${lock}: ${reasonOf(error)}`, error);
  }
}

/** Why no file can be made in the directory; undefined when one can. */
function refusedBy(directory: string): string | undefined {
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return `there is no directory ${directory}`;
    return `cannot make files in ${directory}: ${reasonOf(error)}`;
  }
}
