/**
 * The store in a SQLite database, WAL. synchronous=NORMAL: a commit survives the death of the
 * process; power loss may cost the last ones, whose blocks the peers directory still holds.
 */
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
  'DROP INDEX blocks_by_end;',
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

type AllowanceRow = { address: string; since_ms: number; until_ms: number | null; reason: string };

function addressOf(text: string): Address {
  const address = parseNetwork(text);
  if (!address) throw new Fault('storeCorrupt', `not an address: ${JSON.stringify(text)}`);
  return address;
}

function allowanceOf(row: AllowanceRow): Allowance {
  return {
    address: addressOf(row.address),
    sinceMs: row.since_ms,
    untilMs: row.until_ms ?? undefined,
    reason: row.reason,
  };
}

function blockOf(row: BlockRow): Block {
  const [address, className, sinceMs, untilMs, count, limit, seconds, times, source, reason] = row;
  return {
    address: addressOf(address),
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

function open(path: string): Database.Database {
  const database = keepAlive(new Database(path, { timeout: 2000 }));
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
    database.transaction(() => migrate(database, path)).immediate();
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

export class SqliteStore implements Store {
  readonly #path: string;
  readonly #database: Database.Database;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #add: (block: NewBlock) => Block;
  readonly #removeAll: (addresses: readonly Address[]) => void;
  readonly #all: () => Block[];

  /** Opens or creates the database at `path` (`:memory:` for none on disk). */
  constructor(path: string) {
    this.#path = path;
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
      for (const { text } of addresses) statements.remove.run(text);
    }).immediate;
    this.#all = this.#database.transaction(() => this.#readAll());
  }

  add(block: NewBlock): Block {
    return this.#guard(() => this.#add(block));
  }

  remove(address: Address): boolean {
    return this.#guard(() => this.#statements.remove.run(address.text)).changes > 0;
  }

  removeAll(addresses: readonly Address[]): void {
    this.#guard(() => this.#removeAll(addresses));
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

  allow(allowance: Allowance): void {
    const { address, sinceMs, untilMs, reason } = allowance;
    const row = { address: address.text, since_ms: sinceMs, until_ms: untilMs ?? null, reason };
    this.#guard(() => this.#statements.allow.run(row));
  }

  disallow(address: Address): boolean {
    return this.#guard(() => this.#statements.disallow.run(address.text)).changes > 0;
  }

  allowances(): Allowance[] {
    return this.#guard(() => this.#statements.allowances.all()).map(allowanceOf);
  }

  close(): void {
    this.#database.close();
  }

  #readAll(): Block[] {
    const blocks: Block[] = [];
    for (let last = ''; ; ) {
      const rows: BlockRow[] = JSON.parse(this.#statements.next.get(last, readSlice) ?? '[]');
      for (const row of rows) blocks.push(blockOf(row));
      if (rows.length < readSlice) return blocks;
      last = rows.at(-1)?.[0] ?? '';
    }
  }

  /** Lets the driver's errors out as Faults. */
  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (error instanceof Fault) throw error;
      throw new Fault(faultCodeOf(error), `${this.#path}: ${reasonOf(error)}`, error);
    }
  }
}
