/** Tests: src/store/open-database.ts, src/store/open-store.ts, src/store/event-tables.ts */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { buildSync } from 'esbuild';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Fault } from '../../src/runtime/errors.ts';
import { busyTimeoutMs } from '../../src/store/open-database.ts';
import { openStore } from '../../src/store/open-store.ts';
import { SqliteStore } from '../../src/store/sqlite-store.ts';
import { keepsStorePromises } from '../contract/store.ts';
import { address, block, newBlock } from '../core/blocks.ts';
import { happened } from '../core/happened.ts';
import { temporaryDirectory } from '../run/temporary-directory.ts';
import { column, rawDatabase } from './raw-database.ts';

keepsStorePromises('SqliteStore on disk', () => {
  return new SqliteStore(join(temporaryDirectory(), 'store.db'));
});

function faultOf(work: () => unknown): Fault {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('no fault');
}

test('a block that add returned survives a kill -9 one instruction later', () => {
  const directory = temporaryDirectory();
  const path = join(directory, 'store.db');
  const bundle = join(directory, 'store.mjs');
  buildSync({
    entryPoints: ['src/store/sqlite-store.ts'],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'esm',
  });
  const blocked = newBlock('192.0.2.1');
  const script = `
    import { SqliteStore } from ${JSON.stringify(bundle)};
    new SqliteStore(${JSON.stringify(path)}).add(${JSON.stringify(blocked)});
    process.kill(process.pid, 'SIGKILL');`;
  const env = { ...process.env, NODE_PATH: join(process.cwd(), 'node_modules') };
  const { signal, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    env,
  });
  expect([signal, String(stderr)]).toEqual(['SIGKILL', '']);
  const store = new SqliteStore(path);
  expect(store.all()).toMatchObject([blocked]);
  store.close();
});

test('many blocks are removed in one commit, or none of them', () => {
  const path = join(temporaryDirectory(), 'store.db');
  const store = new SqliteStore(path);
  for (const text of ['192.0.2.1', '192.0.2.2']) store.add(newBlock(text));
  const database = rawDatabase(path);
  expect(column(database, 'PRAGMA journal_mode')).toEqual(['wal']);
  database.exec(
    `CREATE TRIGGER refuse BEFORE DELETE ON blocks WHEN old.address = '192.0.2.2'
     BEGIN SELECT RAISE(ABORT, 'no'); END`,
  );
  const both = ['192.0.2.1', '192.0.2.2'].map(address);
  expect(faultOf(() => store.removeAll(both)).code).toBe('store');
  expect(store.all()).toHaveLength(2);
  database.exec('DROP TRIGGER refuse');
  store.removeAll(both);
  expect(store.all()).toEqual([]);
  database.close();
  store.close();
});

test('a block and its offence are remembered together or not at all', () => {
  const path = join(temporaryDirectory(), 'store.db');
  const store = new SqliteStore(path);
  const database = rawDatabase(path);
  database.exec(
    `CREATE TRIGGER refuse BEFORE INSERT ON blocks BEGIN SELECT RAISE(ABORT, 'no'); END`,
  );
  expect(faultOf(() => store.add(newBlock('192.0.2.1'))).code).toBe('store');
  expect(store.offences(address('192.0.2.1'))).toEqual({ times: 0, lastMs: 0 });
  database.close();
  store.close();
});

test('after one timeout on a lock, it does not wait again until a write has succeeded', () => {
  const path = join(temporaryDirectory(), 'store.db');
  const store = new SqliteStore(path);
  const rival = rawDatabase(path);
  const said = vi.spyOn(Database.prototype, 'exec');
  onTestFinished(() => said.mockRestore());
  /** The timeouts set since the last call. */
  const newTimeouts = () => {
    const words = said.mock.calls.map(([sql]) => /busy_timeout = (\d+)/.exec(sql)?.[1]);
    said.mockClear();
    return words.filter((ms) => ms !== undefined).map(Number);
  };
  for (const _ of ['at first', 'again']) {
    rival.exec('BEGIN IMMEDIATE');
    faultOf(() => store.add(newBlock('192.0.2.1')));
    faultOf(() => store.add(newBlock('192.0.2.1')));
    expect(newTimeouts()).toEqual([0]);
    rival.exec('COMMIT');
    store.add(newBlock('192.0.2.1'));
    store.add(newBlock('192.0.2.1'));
    expect(newTimeouts()).toEqual([busyTimeoutMs]);
  }
  rival.close();
  store.close();
});

test('a database of version 2 keeps what it has', () => {
  const path = join(temporaryDirectory(), 'store.db');
  const database = rawDatabase(path);
  database.exec(readFileSync('test/store/version-2.sql', 'utf8'));
  database.close();
  const store = new SqliteStore(path);
  expect(store.all()).toEqual([
    block('192.0.2.0/24', { source: 'operator', reason: "it's", replacedUntilMs: 5 }),
    block('192.0.2.1'),
  ]);
  expect(store.offences(address('192.0.2.7'))).toEqual({ times: 3, lastMs: 7 });
  expect(store.allowances()).toEqual([
    { address: address('198.51.100.1'), sinceMs: 1, untilMs: undefined, reason: 'a friend' },
  ]);
  store.close();
  new SqliteStore(path).close();
});

test('a database of version 3 keeps what it has, and takes what happens', () => {
  const path = join(temporaryDirectory(), 'store.db');
  const database = rawDatabase(path);
  database.exec(readFileSync('test/store/version-3.sql', 'utf8'));
  database.close();
  const store = new SqliteStore(path);
  expect(store.all()).toEqual([block('192.0.2.1')]);
  expect(store.offences(address('192.0.2.7'))).toEqual({ times: 3, lastMs: 7 });
  expect(store.allowances()).toHaveLength(1);
  expect(store.events(undefined, 9, 0, 9).events).toEqual([]);
  store.addEvents([happened()]);
  store.close();
  const again = new SqliteStore(path);
  expect(again.events(undefined, 9, 0, 2e12).events).toEqual([happened()]);
  again.close();
});

test('an event that makes no sense is left out, and the others are told', () => {
  const path = join(temporaryDirectory(), 'store.db');
  const store = new SqliteStore(path);
  store.addEvents([happened({ value: '192.0.2.1' }), happened({ value: '192.0.2.2' })]);
  const database = rawDatabase(path);
  database.exec(`UPDATE events SET event = 'toString' WHERE value = '192.0.2.1'`);
  database.close();
  expect(store.events(undefined, 9, 0, 2e12).events).toEqual([happened({ value: '192.0.2.2' })]);
  store.close();
});

test('two stores on one file see what the other committed', () => {
  const path = join(temporaryDirectory(), 'store.db');
  const [one, other] = [new SqliteStore(path), new SqliteStore(path)];
  one.add(newBlock('192.0.2.1'));
  expect(other.removeAll([address('192.0.2.1')])).toBe(1);
  expect(one.all()).toEqual([]);
  one.close();
  other.close();
});

test('a database of a newer version is refused and left as it is', () => {
  const path = join(temporaryDirectory(), 'store.db');
  new SqliteStore(path).close();
  const database = rawDatabase(path);
  database.exec('PRAGMA user_version = 999');
  database.close();
  const fault = faultOf(() => new SqliteStore(path));
  expect(fault).toMatchObject({ code: 'storeVersion', exit: 100 });
  expect(fault.message).toContain(`${path}: version 999, this program knows up to 4`);
});

test('a file that is not a database is refused and left as it is', () => {
  const path = join(temporaryDirectory(), 'store.db');
  writeFileSync(path, 'this is no database, whatever its name says. '.repeat(100));
  expect(faultOf(() => new SqliteStore(path)).code).toBe('storeCorrupt');
  expect(readdirSync(join(path, '..'))).toEqual(['store.db']);
});

test('a damaged database that was set aside is never overwritten by the next', () => {
  const path = join(temporaryDirectory(), 'store.db');
  const told: string[] = [];
  const log = {
    error: (_: string, fields: Record<string, string>) => told.push(fields.files ?? ''),
  };
  writeFileSync(path, 'this is no database');
  openStore(path, log, 0).close();
  writeFileSync(path, 'nor is this');
  expect(faultOf(() => openStore(path, log, 0)).message).toMatch(/is there already/);
  expect([told[0] ?? '', path].map((file) => readFileSync(file, 'utf8'))).toEqual([
    'this is no database',
    'nor is this',
  ]);
});

test('a directory in place of the database is a fault that names it', () => {
  const path = join(temporaryDirectory(), 'store.db');
  mkdirSync(path);
  expect(faultOf(() => new SqliteStore(path))).toMatchObject({ code: 'storeAccess', exit: 100 });
  expect(faultOf(() => new SqliteStore('/nonexistent/x.db')).message).toContain(
    '/nonexistent/x.db',
  );
});

test('nothing of the driver is left to the garbage collector, which would end Node 24', () => {
  const sources = ['src', 'test'].flatMap((directory) => {
    return readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => readFileSync(join(directory, path), 'utf8'));
  });
  const lines = sources.flatMap((text) => text.split('\n'));
  expect(lines.filter((line) => /\.pragma\(/.test(line))).toEqual([]);
  const made = lines.filter((line) => /new (?:Database|Driver)\(/.test(line));
  expect(made.length).toBeGreaterThan(2);
  expect(made.filter((line) => !line.includes('preventGc('))).toEqual([]);
});
