/**
 * What makes a server obey a block: the peers directory of tcpsvd, the tcprules cdb of tcpserver.
 * The promises every enforcer makes, and test/contract/enforcer.ts holds it to:
 *
 * 1. `impose` that answers `in force` means the server refuses the very next connection.
 * 2. Nothing the admin wrote is changed or removed.
 * 3. `impose` and `lift` may be repeated; trouble arrives as `Fault('enforcer', ...)`.
 * 4. `inspect` changes nothing that a server would notice; who reads what it finds acts on it.
 */

import type { Address } from '../core/address.ts';
import type { Block } from '../core/block.ts';

/**
 * What became of a block:
 * - `in force`: the server refuses the address from now on;
 * - `pending`: it will, after a rebuild that is on its way;
 * - `not possible`: this server cannot express it (IPv6 for tcpsvd), or the admin's own entry
 *   stands in its place. The daemon refuses such a client itself.
 */
export type Imposed = 'in force' | 'pending' | 'not possible';

/** What the server itself would do with an address, and whose entry says so. */
export type EntryOwner = 'ours' | 'theirs' | 'absent' | 'unknown';

/** The blocks that there should be. */
export type KnownBlocks = {
  /** Whether the address or network that is written so has a block. */
  has(text: string): boolean;
  get(address: Address): Block | undefined;
  values(): Iterable<Block>;
};

/**
 * Where the entries and the blocks differ:
 * - `removed`: somebody took our entry away, where it had been put and where all others still are;
 * - `missing`: the entry is not there, or not as it should be, and nobody meant that;
 * - `orphan`: an entry of ours, found with all that it says of itself, has no block;
 * - `replaced`: what holds all entries is another than it was.
 */
export type Drift =
  | { readonly kind: 'removed' | 'missing' | 'orphan'; readonly block: Block }
  | { readonly kind: 'replaced'; readonly what: string };

/** What to look at: everything, what `watch` told of, or only for orphans. */
export type Scope = 'all' | 'changed' | 'orphans';

export interface Enforcer {
  /** For people: `peers /etc/ipsvd/smtp/peers`. */
  readonly name: string;
  /** Whether `reconcile` has to tell all blocks before any `impose` or `lift`. */
  readonly needsAll?: true;
  /** How `pending` blocks come into force; undefined: it works at once. */
  readonly rebuild?: Rebuild;
  impose(block: Block): Imposed;
  /** Takes our entry for this block away; says whether there was one. */
  lift(block: Block): boolean;
  /** Whose entry refuses the address now; `block` is the block of ours that covers it, if any. */
  entryOwner(address: Address, block: Block | undefined): EntryOwner;
  /**
   * Puts every one of `blocks`, which are all there are, in force: to repair, and at start where
   * `needsAll`; else all can also be put there by what `inspect` finds missing.
   */
  reconcile(blocks: readonly Block[]): void;
  /** Follows what others change, until `close`; `onChange`: there is something to inspect. */
  watch(onChange?: () => void): void;
  /** Asked every second: notices what `watch` does not report, as when a link leads elsewhere. */
  look?(): void;
  /**
   * Compares the entries with the blocks, one entry a step, so that the caller can pause after any.
   * Blocks may come and go between two steps. @throws Fault
   */
  inspect?(blocks: KnownBlocks, scope: Scope): Generator<Drift | undefined, void>;
  /** Stops timers and watchers; a pending rebuild is finished first, as by `flush`. @throws Fault */
  close(): void;
}

/** The making anew of all that a server reads. */
export interface Rebuild {
  /** Whether what a server reads is not there at all, so that it lets nobody in. */
  readonly isMissing: boolean;
  /** Why the last one failed, which keeps blocks pending; undefined: it did not. */
  readonly trouble: string | undefined;
  /** In how many milliseconds the next one is due; undefined: none is. */
  readonly inMs: number | undefined;
  /**
   * Resolves when what is pending is in force; others are served meanwhile. Rejects with the Fault
   * that keeps it from that.
   */
  settle(): Promise<void>;
  /** Finishes what is pending at once, for callers with nobody else to serve. @throws Fault */
  flush(): void;
}
