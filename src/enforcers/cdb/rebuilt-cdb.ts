/**
 * A cdb file that is compiled again whenever its sources change, and the keys wanted in it.
 *
 * Guarantee: the file is only ever replaced whole, and only by one that compiled. After a failure
 * the old file stays, the trouble is logged once, and every change or five seconds bring a retry.
 * Guarantee: compiling and writing happen in slices, between which others are served. Only `flush`
 * and `close` do everything at once, for callers with nobody else to serve.
 *
 * Builds are numbered, which tells whether a wanted key has landed. Nothing is compiled before
 * `start`, because only then are all keys known.
 */
import type { FSWatcher } from 'chokidar';
import { identitiesOf, identityOf } from '../../files/file-identity.ts';
import { IdentityWatch } from '../../files/identity-watch.ts';
import { removeLeftovers } from '../../files/replace-file.ts';
import { watchFiles } from '../../files/watch-files.ts';
import { Fault, reasonOf } from '../../runtime/errors.ts';
import type { Timers } from '../../runtime/timers.ts';
import type { Work } from '../../runtime/work.ts';
import type { Rebuild } from '../enforcer.ts';
import type { EnforcerListener } from '../enforcer-events.ts';
import { linkTarget, putCdb } from './cdb-file.ts';
import { RebuildPace } from './rebuild-pace.ts';

export type RebuiltCdbParts = {
  readonly path: string;
  /** A change of any of these compiles the file again. */
  readonly sources: readonly string[];
  /** All bytes of the file. @throws Fault */
  readonly compile: () => Work<Uint8Array>;
  readonly listener: EnforcerListener;
  readonly timers: Timers;
};

/** The last build that landed: its number, and the identities of the file and its sources. */
type Landed = { readonly build: number; readonly file: string; readonly sources: string };

export class RebuiltCdb implements Rebuild {
  readonly #parts: RebuiltCdbParts;
  readonly #pace: RebuildPace;
  /** Per key, the first build that has it. */
  readonly #wanted = new Map<string, number>();
  /** Per key that the file may still have, the first build without it. */
  readonly #dropped = new Map<string, number>();
  #nextBuild = 1;
  #landed: Landed | undefined;
  #trouble: string | undefined;
  /** The problems that were logged. */
  readonly #problems = new Set<string>();
  readonly #identities: IdentityWatch;
  #watcher: FSWatcher | undefined;
  #watched: readonly string[] = [];
  #isStarted = false;
  #isClosed = false;

  constructor(parts: RebuiltCdbParts) {
    this.#parts = parts;
    this.#identities = new IdentityWatch([parts.path, ...parts.sources]);
    this.#pace = new RebuildPace(
      () => this.#rebuild(),
      (error) => this.#report(error),
      parts.timers,
    );
  }

  get isStarted(): boolean {
    return this.#isStarted;
  }

  get isMissing(): boolean {
    return identityOf(this.#parts.path) === undefined;
  }

  start(): void {
    const { path } = this.#parts;
    for (const each of new Set([path, linkTarget(path)])) removeLeftovers(each);
    this.#isStarted = true;
    this.request();
  }

  /** The next build includes the key. */
  want(key: string): void {
    this.#dropped.delete(key);
    if (!this.#wanted.has(key)) this.#wanted.set(key, this.#nextBuild);
  }

  /** The next build leaves the key out; returns whether it was wanted. */
  drop(key: string): boolean {
    if (!this.#wanted.delete(key)) return false;
    this.#dropped.set(key, this.#nextBuild);
    return true;
  }

  wantOnly(keys: ReadonlySet<string>): void {
    for (const key of this.#wanted.keys()) if (!keys.has(key)) this.drop(key);
    for (const key of keys) this.want(key);
  }

  wants(key: string): boolean {
    return this.#wanted.has(key);
  }

  get wanted(): string[] {
    return [...this.#wanted.keys()];
  }

  /** Whether the file is the one that we wrote, and has the wanted key. */
  has(key: string): boolean {
    const build = this.#wanted.get(key);
    return build !== undefined && build <= (this.#landed?.build ?? 0) && this.#isOurs();
  }

  /** Whether the file may still have the key, though nothing wants it. */
  mayHave(key: string): boolean {
    return this.#dropped.has(key);
  }

  request(isUrgent = false): void {
    if (this.#isStarted) this.#pace.request(isUrgent);
  }

  /**
   * Compiles again if somebody else has replaced the file or a source has changed, even if `watch`
   * missed that. Returns whether nothing had changed.
   */
  verify(): boolean {
    const isRight = this.#isOurs() && identitiesOf(this.#parts.sources) === this.#landed?.sources;
    if (!isRight) this.request();
    return isRight;
  }

  get inMs(): number | undefined {
    return this.#pace.inMs;
  }

  get lagMs(): number {
    return this.#pace.lagMs;
  }

  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Also compiles when one of the sources is saved, or when somebody else replaces the file. */
  watch(sources: readonly string[]): void {
    if (this.#isClosed || this.#watcher) return;
    this.#watched = [...sources, this.#parts.path];
    this.#armWatch();
  }

  /** Compiles again when `watch` has missed something; what is half written rests first. */
  look(): void {
    if (!this.#isStarted || !this.#identities.look() || this.verify()) return;
    // The watch may be of a file that has lost its name.
    if (this.#watcher) this.#armWatch();
  }

  cannotWatch(error: unknown): void {
    this.#parts.listener('cannotWatch', `${this.#parts.path}, or its source: ${reasonOf(error)}`);
  }

  settle(): Promise<void> {
    return this.#pace.settle();
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

  #armWatch(): void {
    void this.#watcher?.close();
    this.#watcher = watchFiles(this.#watched, {
      onEvent: (_event, path) => {
        if (path !== this.#parts.path || !this.#isOurs()) this.request();
      },
      onTrouble: (error) => this.cannotWatch(error),
    });
  }

  #isOurs(): boolean {
    return this.#landed !== undefined && identityOf(this.#parts.path) === this.#landed.file;
  }

  *#rebuild(): Work<void> {
    const build = this.#nextBuild++;
    const sources = identitiesOf(this.#parts.sources);
    try {
      const bytes = yield* this.#parts.compile();
      const file = yield* putCdb(this.#parts.path, bytes);
      this.#landed = { build, file, sources };
    } catch (error) {
      this.#trouble = detailOf(error);
      throw error;
    }
    this.#trouble = undefined;
    for (const [key, first] of this.#dropped) if (first <= build) this.#dropped.delete(key);
    if (this.#problems.size > 0) this.#parts.listener('compiledAgain', this.#parts.path);
    this.#problems.clear();
  }

  /** Logs each distinct problem once: a source that stays wrong fails every few seconds. */
  #report(error: unknown): void {
    const detail = detailOf(error);
    if (this.#problems.has(detail)) return;
    this.#problems.add(detail);
    this.#parts.listener('notCompiled', detail);
  }
}

function detailOf(error: unknown): string {
  return error instanceof Fault ? error.detail : ((error as Error)?.stack ?? String(error));
}
