/**
 * The store in a SQLite database, see open-database.ts.
 *
 * Guarantee: a database that was read-only when it was opened is written to as soon as it can be.
 */

import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type Database from 'better-sqlite3';
import { type Address, parseNetwork } from '../core/address.ts';
import type { Allowance, Block, BlockSource, NewBlock } from '../core/block.ts';
import type { HistoryEvent, HourlyTotal } from '../core/history-event.ts';
import type { Offences } from '../core/penalty.ts';
import { refusePlanted } from '../files/planted-file.ts';
import { errnoOf } from '../runtime/errors.ts';
import { eventTables } from './event-tables.ts';
import {
  asFaults,
  busyTimeoutMs,
  latestVersion,
  openDatabase,
  setBusyTimeout,
} from './open-database.ts';
import { preventGc } from './prevent-gc.ts';
import type { EventPage, Store } from './store.ts';

/** A row of `blocks`, column by column. */
type BlockRow = readonly [
  address: string,
  className: string,
  sinceMs: number,
  untilMs: number,
  count: number,
  limit: number,
  seconds: number,
  times: number,
  source: string,
  reason: string,
  replacedUntilMs: number,
];

/** How many blocks are read in one go. */
const readSlice = 10_000;

/** The last instant that a Date can hold. */
const lastInstantMs = 8.64e15;

type AllowanceRow = { address: string; since_ms: number; until_ms: number | null; reason: string };

function isInstant(ms: number): boolean {
  return Math.abs(ms) <= lastInstantMs;
}

/** Undefined for a row that makes no sense, because another program wrote it. */
function allowanceOf(row: AllowanceRow): Allowance | undefined {
  const address = parseNetwork(row.address);
  if (!address || !isInstant(row.since_ms) || !isInstant(row.until_ms ?? 0)) return undefined;
  return {
    address,
    sinceMs: row.since_ms,
    untilMs: row.until_ms ?? undefined,
    reason: row.reason,
  };
}

/** Undefined for a row that makes no sense. */
function blockOf(row: BlockRow): Block | undefined {
  const [text, className, sinceMs, untilMs, count, limit, seconds, times, source, reason] = row;
  const address = parseNetwork(text);
  if (!address || !isInstant(sinceMs) || !isInstant(untilMs)) return undefined;
  return {
    address,
    class: className,
    sinceMs,
    untilMs,
    count,
    limit,
    seconds,
    times,
    source: source as BlockSource,
    reason,
    replacedUntilMs: row[10],
  };
}

function rowOf(block: Block): BlockRow {
  const { address, sinceMs, untilMs, count, limit, seconds, times, source, reason } = block;
  return [
    ...([address.text, block.class, sinceMs, untilMs, count, limit, seconds, times] as const),
    ...([source, reason, block.replacedUntilMs] as const),
  ];
}

function prepare(database: Database.Database) {
  return preventGc({
    offend: database.prepare<[string, number, number]>(
      'INSERT OR REPLACE INTO offences (address, times, last_ms) VALUES (?, ?, ?)',
    ),
    offences: database.prepare<[string], Offences>(
      'SELECT times, last_ms AS lastMs FROM offences WHERE address = ?',
    ),
    countOffences: database.prepare<[], number>('SELECT count(*) FROM offences').pluck(),
    forgetOffences: database.prepare<[number]>(
      `DELETE FROM offences WHERE address IN (SELECT address FROM offences
       WHERE address NOT IN (SELECT address FROM blocks) ORDER BY last_ms LIMIT ?)`,
    ),
    allow: database.prepare<AllowanceRow>(
      'INSERT OR REPLACE INTO allowances VALUES (@address, @since_ms, @until_ms, @reason)',
    ),
    disallow: database.prepare<[string]>('DELETE FROM allowances WHERE address = ?'),
    allowances: database.prepare<[], AllowanceRow>('SELECT * FROM allowances ORDER BY address'),
    put: database.prepare<[...BlockRow]>(
      'INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    remove: database.prepare<[string]>('DELETE FROM blocks WHERE address = ?'),
    get: database.prepare<[string], BlockRow>('SELECT * FROM blocks WHERE address = ?').raw(),
    // As one text, which is three times as fast as 100 000 rows of 11 values.
    next: database
      .prepare<[string, number], string>(
        `SELECT json_group_array(json_array(address, class, since_ms, until_ms, count, limit_count,
         seconds, times, source, reason, replaced_until_ms))
         FROM (SELECT * FROM blocks WHERE address > ? ORDER BY address LIMIT ?)`,
      )
      .pluck(),
  });
}

/** Each of these is one commit. */
function transactions(database: Database.Database, statements: ReturnType<typeof prepare>) {
  return {
    add: database.transaction((block: NewBlock): Block => {
      const { text } = block.address;
      statements.offend.run(text, block.times, block.sinceMs);
      const replacedUntilMs = statements.get.get(text)?.[3] ?? 0;
      const added = { ...block, replacedUntilMs };
      statements.put.run(...rowOf(added));
      return added;
    }).immediate,
    removeAll: database.transaction((addresses: readonly Address[]) => {
      return addresses.reduce((sum, { text }) => sum + statements.remove.run(text).changes, 0);
    }).immediate,
    all: database.transaction((read: () => Block[]) => read()),
  };
}

function connect(path: string, waitMs?: number) {
  refusePlanted(path, 'store');
  const database = openDatabase(path, waitMs);
  try {
    const statements = prepare(database);
    const history = eventTables(database);
    return { database, statements, transactions: transactions(database, statements), history };
  } catch (error) {
    database.close();
    throw error;
  }
}

type Connection = ReturnType<typeof connect>;

/** Whether the database can be written, as far as the file system tells. */
function isWritable(path: string): boolean {
  try {
    const files = [path, `${path}-wal`, `${path}-shm`].filter((file) => existsSync(file));
    for (const file of [dirname(path), ...files]) accessSync(file, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

export class SqliteStore implements Store {
  readonly #path: string;
  readonly #onNonsense: (row: string) => void;
  #connection: Connection;
  #isWaiting = true;
  /** SQLite opens a file that it may not write for reading only, and then never writes to it. */
  #isReadOnly = false;

  /**
   * Opens or creates the database at `path`. `onNonsense` is told of each row that makes no sense
   * and is left out. Only this waits long for a lock.
   */
  constructor(path: string, onNonsense: (row: string) => void = () => {}) {
    this.#path = path;
    this.#onNonsense = onNonsense;
    this.#connection = asFaults(path, () => connect(path));
  }

  add(block: NewBlock): Block {
    return this.#write(({ transactions }) => transactions.add(block));
  }

  removeAll(addresses: readonly Address[]): number {
    return this.#write(({ transactions }) => transactions.removeAll(addresses));
  }

  tryWriting(): void {
    this.#reconnect();
    this.#write(({ database }) => database.exec(`PRAGMA user_version = ${latestVersion}`));
  }

  all(): Block[] {
    return this.#guard(({ transactions, statements }) => {
      return transactions.all(() => this.#readAll(statements.next));
    });
  }

  offences(address: Address): Offences {
    const row = this.#guard(({ statements }) => statements.offences.get(address.text));
    return row ?? { times: 0, lastMs: 0 };
  }

  forgetOffences(kept: number, max: number): number {
    return this.#guard(({ statements }) => {
      const tooMany = (statements.countOffences.get() ?? 0) - kept;
      return tooMany > 0 ? statements.forgetOffences.run(Math.min(tooMany, max)).changes : 0;
    });
  }

  allow(allowance: Allowance): void {
    const { address, sinceMs, untilMs, reason } = allowance;
    const row = { address: address.text, since_ms: sinceMs, until_ms: untilMs ?? null, reason };
    this.#write(({ statements }) => statements.allow.run(row));
  }

  disallow(address: Address): boolean {
    return this.#write(({ statements }) => statements.disallow.run(address.text)).changes > 0;
  }

  allowances(): Allowance[] {
    const rows = this.#guard(({ statements }) => statements.allowances.all());
    return rows.flatMap((row) => this.#sensible(row, allowanceOf) ?? []);
  }

  addEvents(events: readonly HistoryEvent[]): void {
    this.#write(({ history }) => history.add(events));
  }

  events(from: number | undefined, max: number, sinceMs: number, untilMs: number): EventPage {
    return this.#guard(({ history }) => history.read(from, max, sinceMs, untilMs));
  }

  forgetEvents(kept: number, olderMs: number, max: number): number {
    return this.#guard(({ history }) => history.forget(kept, olderMs, max));
  }

  addTotals(totals: readonly HourlyTotal[]): void {
    this.#write(({ history }) => history.addTotals(totals));
  }

  totals(sinceMs: number, untilMs: number): HourlyTotal[] {
    return this.#guard(({ history }) => history.totals(sinceMs, untilMs));
  }

  forgetTotals(olderMs: number): void {
    this.#guard(({ history }) => history.forgetTotals(olderMs));
  }

  close(): void {
    this.#connection.database.close();
  }

  #readAll(next: Connection['statements']['next']): Block[] {
    const blocks: Block[] = [];
    for (let last = ''; ; ) {
      const rows: BlockRow[] = JSON.parse(next.get(last, readSlice) ?? '[]');
      for (const row of rows) {
        const block = this.#sensible(row, blockOf);
        if (block) blocks.push(block);
      }
      if (rows.length < readSlice) return blocks;
      last = rows.at(-1)?.[0] ?? '';
    }
  }

  #sensible<Row, T>(row: Row, made: (row: Row) => T | undefined): T | undefined {
    const one = made(row);
    if (!one) this.#onNonsense(JSON.stringify(row));
    return one;
  }

  /** Connects anew where that helps. After a failure every call fails until the next attempt. */
  #reconnect(): void {
    const isOpen = this.#connection.database.open;
    if (isOpen && !(this.#isReadOnly && isWritable(this.#path))) return;
    // An open connection passes on to others of this process that it may not write.
    this.#connection.database.close();
    this.#connection = asFaults(this.#path, () => connect(this.#path, busyTimeoutMs));
    this.#isReadOnly = false;
    this.#isWaiting = true;
  }

  #write<T>(work: (connection: Connection) => T): T {
    const done = this.#guard(work);
    if (!this.#isWaiting) setBusyTimeout(this.#connection.database, busyTimeoutMs);
    this.#isWaiting = true;
    return done;
  }

  #guard<T>(work: (connection: Connection) => T): T {
    return asFaults(this.#path, () => {
      try {
        return work(this.#connection);
      } catch (error) {
        this.#takeNote(errnoOf(error));
        throw error;
      }
    });
  }

  #takeNote(code: string | undefined): void {
    if (code === 'SQLITE_READONLY') this.#isReadOnly = true;
    if (code !== 'SQLITE_BUSY' || !this.#isWaiting) return;
    // Waiting stalls every client; after one timeout, do not wait again until a write succeeds.
    this.#isWaiting = false;
    setBusyTimeout(this.#connection.database, 0);
  }
}
