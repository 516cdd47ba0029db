/**
 * Opens a database and brings it to the version that this program knows.
 *
 * WAL. synchronous=NORMAL: a commit survives the death of the process; a power loss may cost the
 * last ones, but the peers directory still holds their blocks.
 */
import { accessSync, constants, statSync } from 'node:fs';
import type Database from 'better-sqlite3';
import { refusePlanted } from '../files/planted-file.ts';
import { errnoOf, Fault, type FaultCode, reasonOf } from '../runtime/errors.ts';
import { loadDriver } from './driver.ts';
import { preventGc } from './prevent-gc.ts';

/** Step i brings a database from version i to i + 1; PRAGMA user_version is its version. */
const migrations = [
  `CREATE TABLE blocks (
     address TEXT PRIMARY KEY,
     class TEXT NOT NULL,
     since_ms INTEGER NOT NULL,
     until_ms INTEGER NOT NULL,
     count INTEGER NOT NULL,
     limit_count INTEGER NOT NULL,
     seconds INTEGER NOT NULL,
     times INTEGER NOT NULL,
     source TEXT NOT NULL,
     reason TEXT NOT NULL,
     replaced_until_ms INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX blocks_by_end ON blocks (until_ms);
   CREATE TABLE offences (
     address TEXT PRIMARY KEY,
     times INTEGER NOT NULL,
     last_ms INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;`,
  `CREATE TABLE allowances (
     address TEXT PRIMARY KEY,
     since_ms INTEGER NOT NULL,
     until_ms INTEGER,
     reason TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;`,
  // Memory knows what ends next; the index would double the cost of a block and its end.
  `DROP INDEX blocks_by_end;
   CREATE INDEX offences_by_time ON offences (last_ms);`,
  `CREATE TABLE events (
     id INTEGER PRIMARY KEY,
     at_ms INTEGER NOT NULL,
     event TEXT NOT NULL,
     class TEXT NOT NULL,
     value TEXT NOT NULL,
     actor TEXT NOT NULL,
     reason TEXT NOT NULL,
     count INTEGER NOT NULL,
     limit_count INTEGER NOT NULL,
     seconds INTEGER NOT NULL,
     for_ms INTEGER,
     times INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX events_by_time ON events (at_ms);
   CREATE TABLE hours (
     hour_ms INTEGER NOT NULL,
     class TEXT NOT NULL,
     within INTEGER NOT NULL,
     exceeded INTEGER NOT NULL,
     blocked INTEGER NOT NULL,
     errors INTEGER NOT NULL,
     PRIMARY KEY (hour_ms, class)
   ) STRICT, WITHOUT ROWID;`,
];

export const latestVersion = migrations.length;

/** How long opening waits for a lock of another process, and how long all later calls do. */
const openingMs = 2000;
export const busyTimeoutMs = 50;

/** What prevents opening the file until the administrator acts, or undefined. */
function obstacleAt(path: string): string | undefined {
  try {
    if (statSync(path).isDirectory()) return 'it is a directory';
    accessSync(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    if (errnoOf(error) === 'EACCES') return 'permission denied';
  }
  return undefined;
}

function migrate(database: Database.Database, path: string): void {
  const asked = database.prepare<[], { user_version: number }>('PRAGMA user_version');
  const version = preventGc(asked).get()?.user_version ?? 0;
  if (version > migrations.length) {
    throw new Fault(
      'storeVersion',
      `${path}: version ${version}, this program knows up to ${migrations.length}`,
    );
  }
  for (const [step, sql] of migrations.entries()) {
    if (step < version) continue;
    database.exec(sql);
    database.exec(`PRAGMA user_version = ${step + 1}`);
  }
}

/** Sets how long each call waits for a lock of another process. */
export function setBusyTimeout(database: Database.Database, ms: number): void {
  database.exec(`PRAGMA busy_timeout = ${ms}`);
}

function openFile(path: string, options: Database.Options): Database.Database {
  // SQLite opens a file that it may not write for reading only.
  const obstacle = obstacleAt(path);
  if (obstacle !== undefined) throw new Fault('storeAccess', `${path}: ${obstacle}`);
  const Driver = loadDriver();
  return preventGc(new Driver(path, { timeout: openingMs, ...options }));
}

function faultCodeOf(error: unknown): FaultCode {
  const code = errnoOf(error) ?? '';
  return code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB' ? 'storeCorrupt' : 'store';
}

/** Turns the driver's errors into Faults. */
export function asFaults<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault(faultCodeOf(error), `${path}: ${reasonOf(error)}`, error);
  }
}

/** Waits up to `waitMs` for a lock of another process. Throws a Fault, or the driver's error. */
export function openDatabase(path: string, waitMs = openingMs): Database.Database {
  const database = openFile(path, { timeout: waitMs });
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
    database.transaction(() => migrate(database, path)).immediate();
    setBusyTimeout(database, busyTimeoutMs);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function quickCheck(path: string, readonly: boolean): string | undefined {
  const database = openFile(path, { readonly });
  try {
    const check = database.prepare<[], string>('PRAGMA quick_check(1)').pluck();
    return preventGc(check).get();
  } finally {
    database.close();
  }
}

function look(path: string): string | undefined {
  try {
    return quickCheck(path, true);
  } catch (error) {
    // A killed process left a journal, by which its unfinished work must be undone first.
    if (errnoOf(error) === 'SQLITE_READONLY_ROLLBACK') return quickCheck(path, false);
    throw error;
  }
}

/**
 * Reads all of the database at `path` and changes nothing in a damaged one. Opened for writing, it
 * would on closing take in what a killed process left in its -wal.
 * @throws Fault `storeCorrupt` when something cannot be right.
 */
export function checkDatabase(path: string): void {
  refusePlanted(path, 'store');
  const said = asFaults(path, () => look(path));
  if (said !== 'ok') throw new Fault('storeCorrupt', `${path}: ${said?.split('\n').at(-1)}`);
}
