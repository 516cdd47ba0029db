/**
 * A cdb file that is compiled again whenever what it is made of changes.
 *
 * Guarantee: the file is only ever replaced whole, and only by something that compiled. When it does
 * not compile, the old file stays, the trouble is logged once, and every change (or five seconds)
 * brings another try.
 *
 * A build has a number, so that what was asked for before it can be said to have landed. Nothing is
 * compiled before `start`, when all is known that must be in it.
 */
import { type BigIntStats, lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { FSWatcher } from 'chokidar';
import { Fault, reasonOf } from '../errors.ts';
import { plantedAt } from '../planted.ts';
import { readFile } from '../read-file.ts';
import { RebuildPace, type Timers } from './rebuild-pace.ts';
import { removeLeftovers, removeQuietly, replaceFile } from './replace-file.ts';

export type CdbLog = (level: 'info' | 'warn' | 'error', what: string, detail: string) => void;

export type RebuiltCdbParts = {
  readonly path: string;
  /** All bytes of the file. @throws Fault */
  readonly compile: () => Uint8Array;
  readonly onLanded: () => void;
  readonly log: CdbLog;
  readonly timers: Timers;
};

const firstMode = 0o644;
/** How long a file that is being written must rest before we read it. */
const settledMs = 100;

export class RebuiltCdb {
  readonly #parts: RebuiltCdbParts;
  readonly #log: CdbLog;
  readonly #pace: RebuildPace;
  #nextBuild = 1;
  #landedBuild = 0;
  #landedFile: string | undefined;
  readonly #problems = new Set<string>();
  #watcher: FSWatcher | undefined;
  #isStarted = false;
  #isClosed = false;

  constructor(parts: RebuiltCdbParts) {
    this.#parts = parts;
    this.#log = parts.log;
    this.#pace = new RebuildPace(
      () => this.#rebuild(),
      (error) => this.#report(error),
      parts.timers,
    );
  }

  get isStarted(): boolean {
    return this.#isStarted;
  }

  /** The number of the build that will have what is asked for now. */
  get nextBuild(): number {
    return this.#nextBuild;
  }

  start(): void {
    const { path } = this.#parts;
    for (const each of new Set([path, linkTarget(path)])) removeLeftovers(each);
    this.#isStarted = true;
    this.request();
  }

  request(isUrgent = false): void {
    if (this.#isStarted) this.#pace.request(isUrgent);
  }

  /** Compiles again when somebody else has replaced the file, also when `watch` has missed it. */
  verify(): void {
    if (!this.#isOurs()) this.request();
  }

  /** Whether the file has what that build had, and is still the one that we wrote. */
  has(build: number): boolean {
    return build <= this.#landedBuild && this.#isOurs();
  }

  /** In how many milliseconds it is compiled next, or undefined: nothing asks for it. */
  get inMs(): number | undefined {
    return this.#pace.inMs;
  }

  trouble(): string | undefined {
    return [...this.#problems].at(-1);
  }

  /** Also compiles when one of `sources` changes, or when somebody else replaces the file. */
  watch(sources: readonly string[]): void {
    this.#startWatching(sources).catch((error: unknown) => this.cannotWatch(error));
  }

  cannotWatch(error: unknown): void {
    this.#log('warn', 'cannot watch', `${this.#parts.path}, or its source: ${reasonOf(error)}`);
  }

  flush(): void {
    this.#pace.flush();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      this.flush();
    } finally {
      this.#pace.stop();
      void this.#watcher?.close();
    }
  }

  /** chokidar is loaded here because short commands do not watch. */
  async #startWatching(sources: readonly string[]): Promise<void> {
    const { watch } = await import('chokidar');
    if (this.#isClosed || this.#watcher) return;
    const { path: cdb } = this.#parts;
    this.#watcher = watch([...sources, cdb], {
      ignoreInitial: true,
      awaitWriteFinish: { stabilityThreshold: settledMs, pollInterval: settledMs / 4 },
    })
      .on('all', (_event, path) => {
        if (path !== cdb || !this.#isOurs()) this.request();
      })
      .on('error', (error) => this.cannotWatch(error));
  }

  #isOurs(): boolean {
    return this.#landedFile !== undefined && identityOf(this.#parts.path) === this.#landedFile;
  }

  #rebuild(): void {
    const build = this.#nextBuild++;
    const bytes = this.#parts.compile();
    const file = linkTarget(this.#parts.path);
    if (plantedAt(file) !== undefined) removeQuietly(file);
    if (!holds(file, bytes)) replaceFile(file, bytes, modeOf(file));
    this.#landedBuild = build;
    this.#landedFile = identityOf(file);
    this.#parts.onLanded();
    if (this.#problems.size > 0) this.#log('info', 'cdb compiled again', file);
    this.#problems.clear();
  }

  /** Once per distinct problem: a source that stays wrong is tried every few seconds. */
  #report(error: unknown): void {
    const detail =
      error instanceof Fault ? error.detail : ((error as Error)?.stack ?? String(error));
    if (this.#problems.has(detail)) return;
    this.#problems.add(detail);
    this.#log('error', 'cdb not compiled, the old one stays', detail);
  }
}

/** The administrator's link stays one: others who write the cdb write where it leads. */
function linkTarget(path: string): string {
  if (plantedAt(path) !== undefined) return path;
  try {
    return realpathSync(path);
  } catch {
    // Not there yet: a link still tells where it will be.
    return isLink(path) ? resolve(dirname(path), readlinkSync(path)) : path;
  }
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

function holds(path: string, bytes: Uint8Array): boolean {
  try {
    return Buffer.compare(readFile(path), bytes) === 0;
  } catch {
    return false;
  }
}

function modeOf(path: string): number {
  const stats = statsOf(path);
  return stats ? Number(stats.mode) & 0o777 : firstMode;
}

/** Changes whenever the file is replaced or written. */
function identityOf(path: string): string | undefined {
  const stats = statsOf(path);
  return stats && `${stats.dev} ${stats.ino} ${stats.size} ${stats.mtimeNs}`;
}

/** A file that cannot be looked at counts as none: writing it tells the trouble. */
function statsOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}
