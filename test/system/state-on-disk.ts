/** What rater left on disk, read without its help. */
import { copyFileSync, existsSync, lstatSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { expect } from 'vitest';
import { compileCdb, recordsInCdb } from '../../src/enforcers/cdb/cdb.ts';
import { doNow } from '../../src/runtime/work.ts';
import { column, rawDatabase } from '../store/raw-database.ts';
import { listed } from './kill-stories.ts';
import type { Listed, Site } from './site.ts';

const silentMode = 0o200;
const politeMode = 0o555;
/** Of a silent one that is not complete; it refuses as well. */
const unfinishedMode = 0o1200;
const wholeText =
  /^(# )?ipthrottle block\n(# )?address .*\n(# )?source (rate|operator)\n(printf .*\n)?$/s;

function permissionsOf(path: string): number {
  return lstatSync(path).mode & 0o7777;
}

/** Addresses with a block in the database, which is looked at in a copy. It must be sound. */
export function storedAddresses(site: Site): string[] {
  const copy = site.path('copy.db');
  for (const end of ['', '-wal']) {
    const original = site.path(`blocks.db${end}`);
    if (existsSync(original)) copyFileSync(original, copy + end);
  }
  const database = rawDatabase(copy);
  try {
    expect(column(database, 'PRAGMA integrity_check')).toEqual(['ok']);
    return column(database, 'SELECT address FROM blocks') as string[];
  } finally {
    database.close();
    for (const end of ['', '-wal', '-shm']) rmSync(copy + end, { force: true });
  }
}

/** Names in the peers directory that a server would look for; each of them must refuse. */
export function refusingFiles(site: Site): string[] {
  const names = site.peers().filter((name) => !name.startsWith('..'));
  for (const name of names) {
    const path = site.path('peers', name);
    const mode = permissionsOf(path);
    expect([silentMode, politeMode, unfinishedMode], name).toContain(mode);
    // A command must be all there; of a silent file only the mode counts.
    if (mode === politeMode) expect(readFileSync(path, 'utf8')).toMatch(wholeText);
  }
  return names;
}

/**
 * Addresses that the cdb refuses, with `:allow` after them. The cdb must be complete: compiling its
 * records again gives the same bytes.
 */
export function refusedByCdb(site: Site): string[] {
  const cdb = readFileSync(site.path('rules.cdb'));
  const records = recordsInCdb(cdb);
  expect(Buffer.compare(doNow(compileCdb(records)), cdb), 'the cdb is whole').toBe(0);
  const lines = records.map((record) => record.map((part) => Buffer.from(part)).join(':'));
  expect(lines.pop()).toBe(':');
  for (const line of lines) expect(line).toMatch(/^[\d.]+:D\0$/);
  return lines.map((line) => line.slice(0, line.indexOf(':'))).sort();
}

/**
 * Store, servers and rater that has just started must agree, and nothing may be left over.
 * `foreign`: names of files of the administrator's.
 */
export async function expectAgreement(site: Site, foreign: string[] = []): Promise<Listed[]> {
  const rows = await listed(site);
  const blocked = rows.map(({ address }) => address).sort();
  expect(site.peers()).toEqual([...blocked, ...foreign].sort());
  expect(storedAddresses(site).sort()).toEqual(blocked);
  expect(readdirSync(site.directory).filter((name) => name.startsWith('..'))).toEqual([]);
  for (const { address, until } of rows) expectWhole(site.path('peers', address), until);
  return rows;
}

function expectWhole(path: string, until: string): void {
  expect([silentMode, politeMode]).toContain(permissionsOf(path));
  expect(Math.round(lstatSync(path).mtimeMs / 1000)).toBe(Math.ceil(Date.parse(until) / 1000));
  // Only root may read a silent one.
  if (permissionsOf(path) === silentMode && process.getuid?.() !== 0) return;
  const text = readFileSync(path, 'utf8');
  expect(text).toMatch(wholeText);
  expect(text).toContain(`until ${until}\n`);
}
