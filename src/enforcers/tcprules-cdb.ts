/**
 * Blocks for tcpserver -x: the admin's rules source with our blocks in front, compiled to the cdb,
 * which rebuilt-cdb.ts replaces.
 *
 * `impose` answers `pending` until a rebuild has landed; the daemon refuses the client meanwhile.
 * The rebuild is synchronous and comes at most once a second, however many blocks come; twice when
 * some end, because who is let in again must be in within a second.
 *
 * A rebuild writes all blocks there are, so `reconcile` must tell them before the first `impose` or
 * `lift`; these throw otherwise, because a cdb with one block only would let the others in.
 *
 * IPv6 is written only where the installed tcprules takes it, which a trial tells: djb's does not,
 * and one such line would keep every later block out of the cdb.
 *
 * BUGS: A rule of the admin for info@ADDRESS, and against a blocked network also one for a longer
 * prefix or an address in it, is found by tcpserver before ours.
 */
import type { Address } from '../core/address.ts';
import { readFile } from '../read-file.ts';
import type { Block } from '../store/store.ts';
import { findInCdb } from './cdb.ts';
import { compileRules, mayHaveForeignKeys, type RulesFiles, takesIPv6 } from './compile-rules.ts';
import type { Enforcer, Finding, Imposed, KnownBlocks, Scope, Standing } from './enforcer.ts';
import { realTimers, type Timers } from './rebuild-pace.ts';
import { type CdbLog, RebuiltCdb } from './rebuilt-cdb.ts';
import { isForeignKey, isRefusal, keyOf, latin1, lookupKeys } from './tcprules.ts';

export class TcprulesCdb implements Enforcer {
  readonly name: string;
  readonly #files: RulesFiles;
  readonly #cdb: RebuiltCdb;
  /** Per cdb key that we refuse, the number of the first build that has it. */
  readonly #refused = new Map<string, number>();
  /** Keys of ours that the cdb may still have, though no block wants them. */
  readonly #lifted = new Set<string>();
  /** Whether the installed tcprules takes IPv6; undefined: not tried yet. */
  #takesIPv6: boolean | undefined;

  constructor(files: RulesFiles, log: CdbLog, timers: Timers = realTimers) {
    this.name = `tcprules ${files.cdb}`;
    this.#files = files;
    this.#cdb = new RebuiltCdb({
      path: files.cdb,
      compile: () => this.#compile(),
      onLanded: () => this.#lifted.clear(),
      log,
      timers,
    });
  }

  impose(block: Block): Imposed {
    this.#mustKnowAll();
    const key = keyOf(block.address);
    if (key === undefined || !this.#isPossible(key)) return 'not possible';
    this.#refuse(key);
    if (this.#hasLanded(key)) return 'in force';
    this.#cdb.request();
    return 'pending';
  }

  lift(block: Block): boolean {
    this.#mustKnowAll();
    const key = keyOf(block.address);
    if (key === undefined || !this.#accept(key)) return false;
    this.#cdb.request(true);
    return true;
  }

  standing(address: Address, block: Block | undefined): Standing {
    try {
      return this.#standingIn(readFile(this.#files.cdb), address, block);
    } catch {
      return 'unknown';
    }
  }

  reconcile(blocks: readonly Block[]): void {
    this.#takesIPv6 = undefined;
    const keys = new Set(blocks.map((block) => keyOf(block.address)));
    for (const key of this.#refused.keys()) if (!keys.has(key)) this.#accept(key);
    for (const key of keys) if (key !== undefined && this.#isPossible(key)) this.#refuse(key);
    this.#cdb.start();
  }

  rebuildInMs(): number | undefined {
    return this.#cdb.inMs;
  }

  trouble(): string | undefined {
    return this.#cdb.trouble();
  }

  /** Rebuilds when the source changes, or when somebody else replaces the cdb. */
  watch(): void {
    this.#cdb.watch([this.#files.source]);
  }

  /** What was asked for and has not landed is on its way, so only what was not asked for is missing. */
  *inspect(blocks: KnownBlocks, scope: Scope): Generator<Finding | undefined, void> {
    if (scope !== 'all' || !this.#cdb.isStarted) return;
    this.#takesIPv6 = undefined;
    this.#cdb.verify();
    for (const block of blocks.values()) {
      const key = keyOf(block.address);
      const isWanted = key !== undefined && this.#isPossible(key) && !this.#refused.has(key);
      yield isWanted ? { kind: 'missing', block } : undefined;
    }
  }

  flush(): void {
    this.#cdb.flush();
  }

  close(): void {
    this.#cdb.close();
  }

  #mustKnowAll(): void {
    if (!this.#cdb.isStarted) throw new Error('reconcile must tell all blocks first');
  }

  #isPossible(key: string): boolean {
    if (!isForeignKey(key)) return true;
    this.#takesIPv6 ??= takesIPv6(this.#files);
    return this.#takesIPv6;
  }

  #refuse(key: string): void {
    if (!this.#refused.has(key)) this.#refused.set(key, this.#cdb.nextBuild);
  }

  #accept(key: string): boolean {
    if (!this.#refused.delete(key)) return false;
    this.#lifted.add(key);
    return true;
  }

  #hasLanded(key: string): boolean {
    const build = this.#refused.get(key);
    return build !== undefined && this.#cdb.has(build);
  }

  #standingIn(cdb: Uint8Array, address: Address, block: Block | undefined): Standing {
    const blockKey = block && keyOf(block.address);
    if (blockKey !== undefined && isForeignKey(blockKey) && this.#hasLanded(blockKey)) {
      return 'ours';
    }
    const found = firstFound(cdb, lookupKeys(address));
    if (found?.key !== address.text && mayHaveForeignKeys(this.#files)) return 'unknown';
    if (!found || !isRefusal(found.data)) return 'absent';
    return this.#lifted.has(found.key) || blockKey === found.key ? 'ours' : 'theirs';
  }

  #compile(): Uint8Array {
    try {
      return compileRules(this.#files, this.#refused.keys());
    } catch (error) {
      if (!this.#dropIPv6()) throw error;
      return compileRules(this.#files, this.#refused.keys());
    }
  }

  /** When tcprules was replaced by one that takes no IPv6: says whether there was such a key. */
  #dropIPv6(): boolean {
    const keys = [...this.#refused.keys()].filter(isForeignKey);
    if (keys.length === 0 || takesIPv6(this.#files)) return false;
    this.#takesIPv6 = false;
    for (const key of keys) this.#refused.delete(key);
    return true;
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
