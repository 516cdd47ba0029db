/**
 * Blocks for tcpserver -x: the admin's rules source with our blocks in front, compiled to the cdb,
 * which rebuilt-cdb.ts replaces.
 *
 * `impose` answers `pending` until a rebuild has landed; the daemon refuses the client meanwhile.
 * Rebuilds come at most once a second, however many blocks come; twice when blocks end, because an
 * unblocked client must get in within a second.
 *
 * A rebuild writes all blocks, so `reconcile` must be given them before the first `impose` or
 * `lift`, which otherwise throw: a cdb with only one block would let the others in.
 *
 * A block is written only where the installed tcpserver looks it up, in every spelling that it does,
 * which a trial before a rebuild tells. One line of IPv6 would have djb's tcprules keep every later
 * block out of the cdb.
 *
 * BUGS: tcpserver finds an admin's rule for info@ADDRESS before ours, and in a blocked network also
 * his rule for a longer prefix or an address.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Address } from '../../core/address.ts';
import type { Block } from '../../core/block.ts';
import { identityOf } from '../../files/file-identity.ts';
import { readFile } from '../../files/read-file.ts';
import { realTimers, type Timers } from '../../runtime/timers.ts';
import type { Work } from '../../runtime/work.ts';
import { findFirstInCdb, textOf } from '../cdb/cdb.ts';
import { RebuiltCdb } from '../cdb/rebuilt-cdb.ts';
import type {
  Drift,
  Enforcer,
  EntryOwner,
  Imposed,
  KnownBlocks,
  Rebuild,
  Scope,
} from '../enforcer.ts';
import type { EnforcerListener } from '../enforcer-events.ts';
import { compileRules, mayHaveIPv6Keys, type RulesFiles } from './compile-rules.ts';
import { type Lookups, textLookups, textOnly, writtenKeys } from './lookups.ts';
import { isIPv6Key, isRefusal, keyOf, lookupKeys } from './tcprules.ts';
import { tryLookups } from './try-lookups.ts';

export class TcprulesCdb implements Enforcer {
  readonly name: string;
  readonly needsAll = true;
  readonly #files: RulesFiles;
  readonly #cdb: RebuiltCdb;
  /** What the installed tcpserver looks up; undefined: the next rebuild tries it. */
  #lookups: Lookups | undefined;
  /** What `mayHaveIPv6Keys` said of the source with this identity, because reading it takes long. */
  #ipv6Keys: { readonly source: string | undefined; readonly mayBe: boolean } | undefined;

  constructor(files: RulesFiles, listener: EnforcerListener, timers: Timers = realTimers) {
    this.name = `tcprules ${files.cdb}`;
    this.#files = files;
    this.#cdb = new RebuiltCdb({
      path: files.cdb,
      sources: [files.source],
      compile: () => this.#compile(),
      listener,
      timers,
    });
  }

  impose(block: Block): Imposed {
    this.#mustKnowAll();
    const key = keyOf(block.address);
    if (key === undefined || !this.#mayBePossible(key)) return 'not possible';
    this.#cdb.want(key);
    if (this.#cdb.has(key)) return 'in force';
    this.#cdb.request();
    return 'pending';
  }

  canRefuse(address: Address): boolean {
    const key = keyOf(address);
    return key !== undefined && this.#mayBePossible(key);
  }

  lift(block: Block): boolean {
    this.#mustKnowAll();
    const key = keyOf(block.address);
    if (key === undefined || !this.#cdb.drop(key)) return false;
    this.#cdb.request(true);
    return true;
  }

  entryOwner(address: Address, block: Block | undefined): EntryOwner {
    try {
      return this.#ownerIn(readFile(this.#files.cdb), address, block);
    } catch {
      return 'unknown';
    }
  }

  reconcile(blocks: readonly Block[]): void {
    this.#lookups = undefined;
    const keys = blocks.map((block) => keyOf(block.address)).filter((key) => key !== undefined);
    this.#cdb.wantOnly(new Set(keys));
    this.#cdb.start();
  }

  get rebuild(): Rebuild {
    return this.#cdb;
  }

  /** Rebuilds when the source changes, or when somebody else replaces the cdb. */
  watch(): void {
    this.#cdb.watch([this.#files.source]);
  }

  look(): void {
    this.#cdb.look();
  }

  /**
   * Whatever was asked for has landed or will, so only other blocks are missing. An IPv6 block
   * needs a rebuild to tell, because another tcprules may be installed by now.
   */
  *inspect(blocks: KnownBlocks, scope: Scope): Generator<Drift | undefined, void> {
    if (scope !== 'all' || !this.#cdb.isStarted) return;
    this.#lookups = undefined;
    this.#cdb.verify();
    for (const block of blocks.values()) {
      const key = keyOf(block.address);
      if (key === undefined || this.#cdb.wants(key)) yield undefined;
      else if (isIPv6Key(key)) yield this.#tryAgain(key);
      else yield { kind: 'missing', block };
    }
  }

  close(): void {
    this.#cdb.close();
  }

  #mustKnowAll(): void {
    if (!this.#cdb.isStarted) throw new Error('reconcile must tell all blocks first');
  }

  #mayBePossible(key: string): boolean {
    if (!isIPv6Key(key) || this.#lookups === undefined) return true;
    return writtenKeys(key, this.#lookups).length > 0;
  }

  #tryAgain(key: string): undefined {
    this.#cdb.want(key);
    this.#cdb.request();
  }

  #ownerIn(cdb: Uint8Array, address: Address, block: Block | undefined): EntryOwner {
    const blockKey = block && keyOf(block.address);
    if (blockKey !== undefined && isIPv6Key(blockKey) && this.#cdb.has(blockKey)) {
      return this.#narrowerIn(cdb, address, blockKey) ?? 'ours';
    }
    const found = findFirstInCdb(cdb, lookupKeys(address));
    if (found?.key !== address.text && this.#mayHaveIPv6Keys()) return 'unknown';
    if (!found || !isRefusal(textOf(found.data))) return 'absent';
    return this.#cdb.mayHave(found.key) || blockKey === found.key ? 'ours' : 'theirs';
  }

  /** A rule that a server which compares text finds before the block; undefined: it finds none. */
  #narrowerIn(cdb: Uint8Array, address: Address, blockKey: string): EntryOwner | undefined {
    const written = writtenKeys(blockKey, textOnly);
    if (!findFirstInCdb(cdb, written)) return undefined;
    const found = findFirstInCdb(cdb, textLookups(address));
    if (!found || written.includes(found.key)) return undefined;
    return isRefusal(textOf(found.data)) ? 'theirs' : 'absent';
  }

  #mayHaveIPv6Keys(): boolean {
    const source = identityOf(this.#files.source);
    if (!this.#ipv6Keys || this.#ipv6Keys.source !== source) {
      this.#ipv6Keys = { source, mayBe: mayHaveIPv6Keys(this.#files) };
    }
    return this.#ipv6Keys.mayBe;
  }

  *#compile(): Work<Uint8Array> {
    // What comes while this goes on is for the next build.
    const { wanted } = this.#cdb;
    const lookups = this.#lookups ?? (yield* tryLookups(this.#files));
    try {
      return yield* this.#compileFor(lookups, wanted);
    } catch (error) {
      // Perhaps tcprules was replaced by one that takes less.
      const now = yield* tryLookups(this.#files);
      if (isDeepStrictEqual(now, lookups)) throw error;
      return yield* this.#compileFor(now, wanted);
    }
  }

  /** Drops what tcpserver does not look up. */
  *#compileFor(lookups: Lookups, wanted: readonly string[]): Work<Uint8Array> {
    this.#lookups = lookups;
    const possible = wanted.filter((key) => this.#mayBePossible(key));
    if (possible.length < wanted.length) {
      for (const key of wanted) if (!this.#mayBePossible(key)) this.#cdb.drop(key);
    }
    return yield* compileRules(this.#files, possible, lookups);
  }
}
