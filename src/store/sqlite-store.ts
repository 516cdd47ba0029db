/**
 * The store in a SQLite database, WAL. synchronous=NORMAL: a commit survives the death of the
 * process; power loss may cost the last ones, whose blocks the peers directory still holds.
 */
import { accessSync, constants, statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { type Address, parseNetwork } from '../core/address.ts';
import type { Offences } from '../core/penalty.ts';
import { errnoOf, Fault, type FaultCode, reasonOf } from '../errors.ts';
import { refusePlanted } from '../planted.ts';
import { keepAlive } from './keep-alive.ts';
import type { Allowance, Block, BlockSource, NewBlock, Store } from './store.ts';

/** Step i brings a database from version i to i + 1; PRAGMA user_version tells where it is. */
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
  // What ends next is known in memory; the index would double what a block and its end cost.
  `DROP INDEX blocks_by_end;
   CREATE INDEX offences_by_time ON offences (last_ms);`,
];

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

/** How long opening waits for a lock of somebody else's, and how long the rest does. */
const openingMs = 2000;
const patienceMs = 50;
/** Of a Date. */
const lastInstantMs = 8.64e15;

type AllowanceRow = { address: string; since_ms: number; until_ms: number | null; reason: string };

function isInstant(ms: number): boolean {
  return Math.abs(ms) <= lastInstantMs;
}

/** Undefined for a row that makes no sense: something else has written it. */
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

/** What keeps the file from being opened until somebody sees to it, or undefined. */
function obstacleAt(path: string): string | undefined {
  try {
    if (statSync(path).isDirectory()) return 'it is a directory';
    accessSync(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    if (errnoOf(error) === 'EACCES') return 'permission denied';
  }
  return undefined;
}

function faultCodeOf(error: unknown): FaultCode {
  const code = errnoOf(error) ?? '';
  return code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB' ? 'storeCorrupt' : 'store';
}

function migrate(database: Database.Database, path: string): void {
  const asked = database.prepare<[], { user_version: number }>('PRAGMA user_version');
  const version = keepAlive(asked).get()?.user_version ?? 0;
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

/** Sets how long each call waits for a lock of somebody else's. */
function wait(database: Database.Database, ms: number): void {
  database.exec(`PRAGMA busy_timeout = ${ms}`);
}

function openFile(path: string, readonly = false): Database.Database {
  try {
    return keepAlive(new Database(path, { timeout: openingMs, readonly }));
  } catch (error) {
    const obstacle = obstacleAt(path);
    if (obstacle === undefined) throw error;
    throw new Fault('storeAccess', `${path}: ${obstacle}`, error);
  }
}

function open(path: string): Database.Database {
  const database = openFile(path);
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
    database.transaction(() => migrate(database, path)).immediate();
    wait(database, patienceMs);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function prepare(database: Database.Database) {
  return keepAlive({
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

function faultFrom(error: unknown, path: string): Fault {
  if (error instanceof Fault) return error;
  return new Fault(faultCodeOf(error), `${path}: ${reasonOf(error)}`, error);
}

function quickCheck(path: string): string | undefined {
  const database = openFile(path, true);
  try {
    const check = database.prepare<[], string>('PRAGMA quick_check(1)').pluck();
    return keepAlive(check).get();
  } finally {
    database.close();
  }
}

/**
 * Reads all of the database at `path`, and changes nothing: who may write moves into it, when he
 * closes it, what a killed process left in its -wal.
 * @throws Fault `storeCorrupt` when something cannot be right.
 */
export function checkDatabase(path: string): void {
  refusePlanted(path, 'store');
  let said: string | undefined;
  try {
    said = quickCheck(path);
  } catch (error) {
    throw faultFrom(error, path);
  }
  if (said === 'ok') return;
  throw new Fault('storeCorrupt', `${path}: ${said?.split('\n').at(-1)}`);
}

export class SqliteStore implements Store {
  readonly #path: string;
  readonly #database: Database.Database;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #add: (block: NewBlock) => Block;
  readonly #removeAll: (addresses: readonly Address[]) => number;
  readonly #all: () => Block[];
  readonly #onNonsense: (row: string) => void;
  #isPatient = true;

  /**
   * Opens or creates the database at `path` (`:memory:` for none on disk). `onNonsense` is told of
   * each row that makes no sense, which is then left out. Waits for a lock here, and hardly later.
   */
  constructor(path: string, onNonsense: (row: string) => void = () => {}) {
    this.#path = path;
    this.#onNonsense = onNonsense;
    refusePlanted(path, 'store');
    this.#database = this.#guard(() => open(path));
    const statements = this.#guard(() => prepare(this.#database));
    this.#statements = statements;
    this.#add = this.#database.transaction((block: NewBlock): Block => {
      const { text } = block.address;
      statements.offend.run(text, block.times, block.sinceMs);
      const replacedUntilMs = statements.get.get(text)?.[3] ?? 0;
      const added = { ...block, replacedUntilMs };
      statements.put.run(...rowOf(added));
      return added;
    }).immediate;
    this.#removeAll = this.#database.transaction((addresses: readonly Address[]) => {
      return addresses.reduce((sum, { text }) => sum + statements.remove.run(text).changes, 0);
    }).immediate;
    this.#all = this.#database.transaction(() => this.#readAll());
  }

  add(block: NewBlock): Block {
    const added = this.#guard(() => this.#add(block));
    this.#waitAgain();
    return added;
  }

  removeAll(addresses: readonly Address[]): number {
    const removed = this.#guard(() => this.#removeAll(addresses));
    this.#waitAgain();
    return removed;
  }

  tryWriting(): void {
    this.#guard(() => this.#database.exec(`PRAGMA user_version = ${migrations.length}`));
    this.#waitAgain();
  }

  get(address: Address): Block | undefined {
    const row = this.#guard(() => this.#statements.get.get(address.text));
    return row && blockOf(row);
  }

  all(): Block[] {
    return this.#guard(() => this.#all());
  }

  offences(address: Address): Offences {
    const row = this.#guard(() => this.#statements.offences.get(address.text));
    return row ?? { times: 0, lastMs: 0 };
  }

  forgetOffences(kept: number, most: number): number {
    return this.#guard(() => {
      const tooMany = (this.#statements.countOffences.get() ?? 0) - kept;
      return tooMany > 0 ? this.#statements.forgetOffences.run(Math.min(tooMany, most)).changes : 0;
    });
  }

  allow(allowance: Allowance): void {
    const { address, sinceMs, untilMs, reason } = allowance;
    const row = { address: address.text, since_ms: sinceMs, until_ms: untilMs ?? null, reason };
    this.#guard(() => this.#statements.allow.run(row));
  }

  disallow(address: Address): boolean {
    return this.#guard(() => this.#statements.disallow.run(address.text)).changes > 0;
  }

  allowances(): Allowance[] {
    const rows = this.#guard(() => this.#statements.allowances.all());
    return rows.flatMap((row) => this.#sensible(row, allowanceOf) ?? []);
  }

  close(): void {
    this.#database.close();
  }

  #readAll(): Block[] {
    const blocks: Block[] = [];
    for (let last = ''; ; ) {
      const rows: BlockRow[] = JSON.parse(this.#statements.next.get(last, readSlice) ?? '[]');
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

  #waitAgain(): void {
    if (!this.#isPatient) wait(this.#database, patienceMs);
    this.#isPatient = true;
  }

  /** Lets the driver's errors out as Faults. */
  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (this.#isPatient && errnoOf(error) === 'SQLITE_BUSY' && this.#statements) {
        // Who waits keeps everybody waiting: once in vain is enough until something is written.
        this.#isPatient = false;
        wait(this.#database, 0);
      }
      throw faultFrom(error, this.#path);
    }
  }
}
