/**
 * The logs that are meant by what an operator names: files, `-`, and directories of multilog, svlogd
 * or s6-log, which stand for their rotated files and `current`.
 */
import { readdirSync, type Stats, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Fault, reasonOf } from '../runtime/errors.ts';
import { LogCursor } from './log-cursor.ts';
import { LogTally } from './log-tally.ts';
import { StampReader, taiWithLeaps, taiWithoutLeaps } from './stamps.ts';

/** A log, or the rotated set of one, and what is known before it is read. */
export type LogSet = {
  /** In the order of their contents. */
  readonly paths: readonly string[];
  /** Of all of them; 0 when it can be read only once. */
  readonly bytes: number;
  /** When the last of them was changed. */
  readonly latestMs: number;
};

/** What loggers call a file that is full, by the time of that. */
const rotated = /^@[0-9a-f]{24}\.[a-z]/;
const tailBytes = 4096;
/** Pieces of a log. */
const soon = 8;
/** In a file that is read as multilog's, the last stamp of s6-log is 27 s later than the file. */
const leapsMs = 13_000;

/** The logs in the order of the arguments. @throws Fault `logInput` */
export function logSets(paths: readonly string[], nowMs: number): LogSet[] {
  const sets = paths.map((path): LogSet => {
    if (path === '-') return { paths: [path], bytes: 0, latestMs: nowMs };
    if (!statOf(path).isDirectory()) return setOf([path]);
    const names = readdirSync(path).filter((name) => name === 'current' || rotated.test(name));
    // The stamps in their names sort as their times do, and before `current`.
    if (names.length > 0) return setOf(names.sort().map((name) => join(path, name)));
    throw new Fault('logInput', `${path}: a directory with neither current nor @*.s in it`);
  });
  checkTwice(sets.flatMap((each) => each.paths));
  return sets;
}

/** Connections in a log that is read twice would count twice. @throws Fault `usage` */
function checkTwice(paths: readonly string[]): void {
  const known = new Set<string>();
  for (const path of paths) {
    const { dev, ino } = path === '-' ? { dev: '-', ino: '-' } : statOf(path);
    const file = `${dev}:${ino}`;
    if (known.has(file)) throw new Fault('usage', `${path}: named twice`);
    known.add(file);
  }
}

function setOf(paths: readonly string[]): LogSet {
  const found = paths.map(statOf);
  const isAllFiles = found.every((each) => each.isFile());
  const bytes = found.reduce((sum, { size }) => sum + size, 0);
  return { paths, bytes: isAllFiles ? bytes : 0, latestMs: found.at(-1)?.mtimeMs ?? 0 };
}

function statOf(path: string): Stats {
  try {
    return statSync(path);
  } catch (error) {
    throw new Fault('logInput', reasonOf(error), error);
  }
}

/**
 * TAI minus Unix time in the stamps of the log: a stamp in its name or its last line that, read as
 * multilog's, is later than the latest change of the file is one of s6-log, which counts leap seconds.
 */
export async function taiSecondsOf({ paths, bytes, latestMs }: LogSet): Promise<number> {
  const path = paths.at(-1);
  if (bytes === 0 || path === undefined) return taiWithoutLeaps;
  const stamps = new StampReader({ taiSeconds: taiWithoutLeaps, latestMs });
  const name = Buffer.from(`${basename(path).slice(0, 25)} `);
  stamps.read(name, 0, name.length);
  const lastMs = Number.isNaN(stamps.atMs) ? await lastStamp(path, stamps) : stamps.atMs;
  return lastMs > latestMs + leapsMs ? taiWithLeaps : taiWithoutLeaps;
}

/** The stamp of the last line that begins with a TAI64N; NaN when there is none. */
async function lastStamp(path: string, stamps: StampReader): Promise<number> {
  const tail = await tailOf(path);
  for (let at = tail.length; at > 0; ) {
    at = tail.lastIndexOf('\n@', at - 1);
    if (at < 0) break;
    stamps.read(tail, at + 1, tail.length);
    if (!Number.isNaN(stamps.atMs)) return stamps.atMs;
  }
  stamps.read(tail, 0, tail.length);
  return tail[0] === '@'.charCodeAt(0) ? stamps.atMs : Number.NaN;
}

async function tailOf(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const buffer = Buffer.alloc(Math.min(size, tailBytes));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, size - buffer.length);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** When the log's first connection came; undefined when none is found soon. @throws Fault `logInput` */
export async function firstMs(log: LogSet, taiSeconds: number): Promise<number | undefined> {
  const cursor = new LogCursor(log.paths, { taiSeconds, ...log }, new LogTally(), () => {});
  try {
    for (let pieces = 0; pieces < soon; pieces += 1) {
      if (!(await cursor.fill())) return undefined;
      if (cursor.next()) return cursor.atMs;
    }
    return undefined;
  } finally {
    await cursor.close();
  }
}
