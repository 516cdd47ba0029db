/** A database as another program would open it. */
import Database from 'better-sqlite3';
import { preventGc } from '../../src/store/prevent-gc.ts';

export function rawDatabase(path: string, options?: Database.Options): Database.Database {
  return preventGc(new Database(path, options));
}

/** All rows that a query finds, each as its only column. */
export function column(database: Database.Database, sql: string): unknown[] {
  return preventGc(database.prepare(sql).pluck()).all();
}
