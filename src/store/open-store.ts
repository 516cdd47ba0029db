/**
 * Opens the daemon's database, or a fresh one in place of a damaged one: a mail host without its
 * old blocks is better off than one without protection.
 *
 * Guarantee: a damaged database is renamed, never changed, removed or overwritten.
 */
import { existsSync, readdirSync, renameSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Fault, reasonOf } from '../runtime/errors.ts';
import { MemoryStore } from './memory-store.ts';
import { checkDatabase } from './open-database.ts';
import { SqliteStore } from './sqlite-store.ts';
import type { Store } from './store.ts';

/** In the new name of a damaged database, before the time at which it was set aside. */
const infix = '.damaged-';
/** The database itself comes last: while it has its name, the next start tries again. */
const parts = ['-wal', '-shm', ''];

/** Where faults go: an event and its fields. */
export type ErrorLog = { error(event: string, fields: Readonly<Record<string, string>>): void };

/** Opens a database that is not damaged, or a new one. @throws Fault */
export function openSound(path: string, log: ErrorLog): SqliteStore {
  // If it is anything else, opening it says so.
  if (statSync(path, { throwIfNoEntry: false })?.isFile()) checkDatabase(path);
  return new SqliteStore(path, (row) => log.error('row left out', { row }));
}

/** The caller must hold the lock of the database; `:memory:` is none. @throws Fault */
export function openStore(path: string, log: ErrorLog, nowMs: number): Store {
  if (path === ':memory:') return new MemoryStore();
  try {
    return openSound(path, log);
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'storeCorrupt') throw error;
    const files = setAside(path, nowMs);
    log.error('database set aside', { what: error.detail, files: files.join(', ') });
    return openSound(path, log);
  }
}

/** The files of damaged databases that were set aside and are still there. */
export function filesSetAside(path: string): string[] {
  const directory = dirname(path);
  const names = existsSync(directory) ? readdirSync(directory) : [];
  const start = basename(path) + infix;
  return names.filter((name) => name.startsWith(start)).map((name) => join(directory, name));
}

/** Returns the new names; sqlite3 still takes the files for one database. @throws Fault */
function setAside(path: string, nowMs: number): string[] {
  const time = new Date(nowMs).toISOString().replace(/[-:]/g, '');
  const aside = `${path}${infix}${time}`;
  try {
    const there = parts.filter((part) => existsSync(path + part));
    const taken = there.find((part) => existsSync(aside + part));
    if (taken !== undefined) throw new Error(`${aside}${taken} is there already`);
    for (const part of there) renameSync(path + part, aside + part);
    return there.map((part) => aside + part);
  } catch (error) {
    throw new Fault(
      'store',
      `${path} is damaged and cannot be set aside: ${reasonOf(error)}`,
      error,
    );
  }
}
