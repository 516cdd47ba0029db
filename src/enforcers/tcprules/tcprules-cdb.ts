/**
 * Blocks for tcpserver -x: the admin's rules source with our blocks in front, compiled to the cdb,
 * which rebuilt-cdb.ts replaces.
 *
 * `impose` answers `pending` until a rebuild has landed; the daemon refuses the client meanwhile.
 * Rebuilds come at most once a second, however many blocks come; twice when some end, because who is
 * let in again must be in within a second.
 *
 * A rebuild writes all blocks there are, so `reconcile` must tell them before the first `impose` or
 * `lift`; these throw otherwise, because a cdb with one block only would let the others in.
 *
 * IPv6 is written only where the installed tcprules takes it, which a trial before a rebuild tells:
 * djb's does not, and one such line would keep every later block out of the cdb.
 *
 * BUGS: A rule of the admin for info@ADDRESS, and against a blocked network also one for a longer
 * prefix or an address in it, is found by tcpserver before ours.
 */

import type { Address } from '../../core/address.ts';
import type { Block } from '../../core/block.ts';
import { readFile } from '../../files/read-file.ts';
import { realTimers, type Timers } from '../../runtime/timers.ts';
import type { Work } from '../../runtime/work.ts';
import { findFirstInCdb } from '../cdb/cdb.ts';
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
import { compileRules, mayHaveIPv6Keys, type RulesFiles, takesIPv6 } from './compile-rules.ts';
import { isIPv6Key, isRefusal, keyOf, lookupKeys } from './tcprules.ts';

export class TcprulesCdb implements Enforcer {
  readonly name: string;
  readonly needsAll = true;
  readonly #files: RulesFiles;
  readonly #cdb: RebuiltCdb;
  /** Whether the installed tcprules takes IPv6; undefined: the next rebuild tries it. */
  #takesIPv6: boolean | undefined;

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
    this.#takesIPv6 = undefined;
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
   * What was asked for and has not landed is on its way, so only what was not asked for is missing.
   * Of IPv6 only a rebuild can tell whether it is: another tcprules may be installed by now.
   */
  *inspect(blocks: KnownBlocks, scope: Scope): Generator<Drift | undefined, void> {
    if (scope !== 'all' || !this.#cdb.isStarted) return;
    this.#takesIPv6 = undefined;
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
    return !isIPv6Key(key) || this.#takesIPv6 !== false;
  }

  #tryAgain(key: string): undefined {
    this.#cdb.want(key);
    this.#cdb.request();
  }

  #ownerIn(cdb: Uint8Array, address: Address, block: Block | undefined): EntryOwner {
    const blockKey = block && keyOf(block.address);
    if (blockKey !== undefined && isIPv6Key(blockKey) && this.#cdb.has(blockKey)) {
      return 'ours';
    }
    const found = findFirstInCdb(cdb, lookupKeys(address));
    if (found?.key !== address.text && mayHaveIPv6Keys(this.#files)) return 'unknown';
    if (!found || !isRefusal(found.data)) return 'absent';
    return this.#cdb.mayHave(found.key) || blockKey === found.key ? 'ours' : 'theirs';
  }

  *#compile(): Work<Uint8Array> {
    const hasIPv6 = yield* this.#settleIPv6();
    try {
      return yield* compileRules(this.#files, this.#cdb.wanted);
    } catch (error) {
      // Perhaps tcprules was replaced by one that takes no IPv6.
      this.#takesIPv6 = undefined;
      if (!hasIPv6 || (yield* this.#settleIPv6())) throw error;
      return yield* compileRules(this.#files, this.#cdb.wanted);
    }
  }

  /** Drops IPv6 where tcprules does not take it; says whether any is left. */
  *#settleIPv6(): Work<boolean> {
    if (!this.#cdb.wanted.some(isIPv6Key)) return false;
    this.#takesIPv6 ??= yield* takesIPv6(this.#files);
    if (this.#takesIPv6) return true;
    for (const key of this.#cdb.wanted.filter(isIPv6Key)) this.#cdb.drop(key);
    return false;
  }
}
