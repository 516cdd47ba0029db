/**
 * One rater per socket, and one per database, held by the kernel.
 *
 * Guarantee: of two daemons started at once on one file, exactly one gets the lock, and it is
 * free again the moment its holder dies, however it dies. The lock is that of an empty SQLite
 * database beside the file, because Node offers no lock on files.
 *
 * XXX: when somebody removes that file, another daemon gets a lock until `keep` has taken it anew.
 */
import { accessSync, constants, lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import type Database from 'better-sqlite3';
import { birthIfSeen } from '../files/file-identity.ts';
import { refusePlanted } from '../files/planted-file.ts';
import { errnoOf, Fault, reasonOf } from '../runtime/errors.ts';
import { loadDriver } from './driver.ts';
import { preventGc } from './prevent-gc.ts';

/** An open lock file; `birth` tells it from a later one of its name. */
type LockFile = { readonly database: Database.Database; readonly birth: string | undefined };

export class InstanceLock {
  readonly file: string;
  readonly #path: string;
  #held: LockFile;
  /** The file that has the name now, while its lock is not ours: opened once, however often we try. */
  #next: LockFile | undefined;

  /** Takes the lock for the socket or database at `path`. @throws Fault */
  constructor(path: string) {
    this.#path = path;
    this.file = `${path}.lock`;
    this.#held = this.#take();
  }

  /** Takes it anew if its file was removed or replaced; returns whether it was. @throws Fault */
  keep(): boolean {
    if (this.#hasItsName(this.#held)) return false;
    const taken = this.#take();
    this.release();
    this.#held = taken;
    return true;
  }

  release(): void {
    this.#held.database.close();
  }

  #birth(): string | undefined {
    return birthIfSeen(this.file, lstatSync);
  }

  #hasItsName({ birth }: LockFile): boolean {
    return birth !== undefined && birth === this.#birth();
  }

  #take(): LockFile {
    try {
      const file = this.#opened();
      file.database.exec('BEGIN EXCLUSIVE');
      this.#next = undefined;
      return file;
    } catch (error) {
      if (error instanceof Fault) throw error;
      if (errnoOf(error) === 'SQLITE_BUSY') {
        throw new Fault('alreadyRunning', `on ${this.#path}`, error);
      }
      const why = refusedBy(dirname(this.file)) ?? `${this.file}: ${reasonOf(error)}`;
      throw new Fault('listen', why, error);
    }
  }

  #opened(): LockFile {
    if (this.#next && this.#hasItsName(this.#next)) return this.#next;
    this.#next?.database.close();
    this.#next = undefined;
    const Driver = loadDriver();
    refusePlanted(this.file, 'listen');
    const database = preventGc(new Driver(this.file, { timeout: 0 }));
    this.#next = { database, birth: this.#birth() };
    database.exec('PRAGMA journal_mode = MEMORY');
    return this.#next;
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
