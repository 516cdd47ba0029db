/**
 * Blocks for tcpserver -x: the admin's rules source with our blocks in front, compiled to the cdb.
 *
 * Guarantee: the cdb is only ever replaced whole, and only by rules that compiled. When the source
 * is missing or wrong, the old cdb stays as it is, the trouble is logged once, and every change
 * (or five seconds) brings another try.
 *
 * `impose` answers `pending` until a rebuild has landed; the daemon refuses the client meanwhile.
 * The rebuild is synchronous and comes at most once a second, however many blocks come; twice when
 * some end, because who is let in again must be in within a second.
 *
 * A rebuild writes all blocks there are, so `reconcile` must tell them before the first `impose` or
 * `lift`; these throw otherwise, because a cdb with one block only would let the others in.
 *
 * BUGS: A rule of the admin for info@ADDRESS, and against a blocked network also one for a longer
 * prefix or an address in it, is found by tcpserver before ours.
 */
import {
  type BigIntStats,
  lstatSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { FSWatcher } from 'chokidar';
import type { Address } from '../core/address.ts';
import { Fault, reasonOf } from '../errors.ts';
import type { Block } from '../store/store.ts';
import { findInCdb } from './cdb.ts';
import { compileRules, mayHaveForeignKeys, type RulesFiles } from './compile-rules.ts';
import type { Enforcer, Imposed, Standing } from './enforcer.ts';
import { RebuildPace, realTimers, type Timers } from './rebuild-pace.ts';
import { removeLeftovers, replaceFile } from './replace-file.ts';
import { isRefusal, keyOf, latin1, lookupKeys } from './tcprules.ts';

export type TcprulesLog = (level: 'info' | 'warn' | 'error', what: string, detail: string) => void;

const firstMode = 0o644;
/** How long a file that is being written must rest before we read it. */
const settledMs = 100;

export class TcprulesCdb implements Enforcer {
  readonly name: string;
  readonly #files: RulesFiles;
  readonly #log: TcprulesLog;
  readonly #pace: RebuildPace;
  /** Per cdb key that we refuse, the number of the first build that has it. */
  readonly #refused = new Map<string, number>();
  /** Keys of ours that the cdb may still have, though no block wants them. */
  readonly #lifted = new Set<string>();
  #build = 1;
  #landedBuild = 0;
  #landedCdb: string | undefined;
  readonly #problems = new Set<string>();
  #watcher: FSWatcher | undefined;
  #knowsAll = false;
  #isClosed = false;

  constructor(files: RulesFiles, log: TcprulesLog, timers: Timers = realTimers) {
    this.name = `tcprules ${files.cdb}`;
    this.#files = files;
    this.#log = log;
    this.#pace = new RebuildPace(
      () => this.#rebuild(),
      (error) => this.#report(error),
      timers,
    );
  }

  impose(block: Block): Imposed {
    this.#mustKnowAll();
    const key = keyOf(block.address);
    if (key === undefined) return 'not possible';
    this.#refuse(key);
    if (this.#hasLanded(key)) return 'in force';
    this.#pace.request();
    return 'pending';
  }

  lift(block: Block): boolean {
    this.#mustKnowAll();
    const key = keyOf(block.address);
    if (key === undefined || !this.#accept(key)) return false;
    this.#pace.request(true);
    return true;
  }

  standing(address: Address, block: Block | undefined): Standing {
    try {
      return this.#standingIn(readFileSync(this.#files.cdb), address, block);
    } catch {
      return 'unknown';
    }
  }

  reconcile(blocks: readonly Block[]): void {
    const keys = new Set(blocks.map((block) => keyOf(block.address)));
    for (const key of this.#refused.keys()) if (!keys.has(key)) this.#accept(key);
    for (const key of keys) if (key !== undefined) this.#refuse(key);
    for (const path of new Set([this.#files.cdb, linkTarget(this.#files.cdb)])) {
      removeLeftovers(path);
    }
    this.#knowsAll = true;
    this.#pace.request();
  }

  trouble(): string | undefined {
    return [...this.#problems].at(-1);
  }

  /** Rebuilds when the source changes, or when somebody else replaces the cdb. */
  watch(): void {
    this.#startWatching().catch((error: unknown) => this.#cannotWatch(error));
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
  async #startWatching(): Promise<void> {
    const { watch } = await import('chokidar');
    if (this.#isClosed || this.#watcher) return;
    const { source, cdb } = this.#files;
    this.#watcher = watch([source, cdb], {
      ignoreInitial: true,
      awaitWriteFinish: { stabilityThreshold: settledMs, pollInterval: settledMs / 4 },
    })
      .on('all', (_event, path) => {
        if (this.#knowsAll && (path !== cdb || !this.#cdbIsOurs())) this.#pace.request();
      })
      .on('error', (error) => this.#cannotWatch(error));
  }

  #cannotWatch(error: unknown): void {
    this.#log('warn', 'cannot watch the rules', reasonOf(error));
  }

  #mustKnowAll(): void {
    if (!this.#knowsAll) throw new Error('reconcile must tell all blocks first');
  }

  #refuse(key: string): void {
    if (!this.#refused.has(key)) this.#refused.set(key, this.#build);
  }

  #accept(key: string): boolean {
    if (!this.#refused.delete(key)) return false;
    this.#lifted.add(key);
    return true;
  }

  #hasLanded(key: string): boolean {
    return (this.#refused.get(key) ?? this.#build) <= this.#landedBuild && this.#cdbIsOurs();
  }

  #cdbIsOurs(): boolean {
    return this.#landedCdb !== undefined && identityOf(this.#files.cdb) === this.#landedCdb;
  }

  #standingIn(cdb: Uint8Array, address: Address, block: Block | undefined): Standing {
    const found = firstFound(cdb, lookupKeys(address));
    if (found?.key !== address.text && mayHaveForeignKeys(this.#files)) return 'unknown';
    if (!found || !isRefusal(found.data)) return 'absent';
    const isOurs = this.#lifted.has(found.key) || (block && keyOf(block.address) === found.key);
    return isOurs ? 'ours' : 'theirs';
  }

  #rebuild(): void {
    const build = this.#build++;
    const bytes = compileRules(this.#files, this.#refused.keys());
    const cdb = linkTarget(this.#files.cdb);
    if (!holds(cdb, bytes)) replaceFile(cdb, bytes, modeOf(cdb));
    this.#landedBuild = build;
    this.#landedCdb = identityOf(cdb);
    this.#lifted.clear();
    if (this.#problems.size > 0) this.#log('info', 'rules compiled again', cdb);
    this.#problems.clear();
  }

  /** Once per distinct problem: a source that stays wrong is tried every few seconds. */
  #report(error: unknown): void {
    const detail =
      error instanceof Fault ? error.detail : ((error as Error)?.stack ?? String(error));
    if (this.#problems.has(detail)) return;
    this.#problems.add(detail);
    this.#log('error', 'rules not compiled, the old cdb stays', detail);
  }
}

type Found = { readonly key: string; readonly data: Uint8Array };

function firstFound(cdb: Uint8Array, keys: readonly string[]): Found | undefined {
  for (const key of keys) {
    const data = findInCdb(cdb, latin1(key));
    if (data) return { key, data };
  }
  return undefined;
}

/** A symbolic link stays one: others who write the cdb write where it leads. */
function linkTarget(path: string): string {
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
    return Buffer.compare(readFileSync(path), bytes) === 0;
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
