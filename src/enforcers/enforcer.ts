/**
 * What makes a server obey a block: the peers directory of tcpsvd, the tcprules cdb of tcpserver.
 * The promises every enforcer makes, and test/contract/enforcer.ts holds it to:
 *
 * 1. `impose` that answers `in force` means the server refuses the very next connection.
 * 2. Nothing the admin wrote is changed or removed.
 * 3. `impose` and `lift` may be repeated; trouble arrives as `Fault('enforcer', ...)`.
 * 4. `inspect` changes nothing that a server would notice; its caller acts on what it finds.
 */

import type { Address } from '../core/address.ts';
import type { Block } from '../core/block.ts';

/**
 * What became of a block:
 * - `in force`: the server refuses the address from now on;
 * - `pending`: it will, after a rebuild that is due;
 * - `not possible`: this server cannot express it (IPv6 for tcpsvd), or the admin's own entry
 *   stands in its place. The daemon refuses such a client itself.
 */
export type Imposed = 'in force' | 'pending' | 'not possible';

/** Whose entry makes the server itself refuse an address, if any does. */
export type EntryOwner = 'ours' | 'theirs' | 'absent' | 'unknown';

/** The blocks that should be in force. */
export type KnownBlocks = {
  /** Whether the address or network with this text has a block. */
  has(text: string): boolean;
  get(address: Address): Block | undefined;
  values(): Iterable<Block>;
};

/**
 * Where the entries and the blocks differ:
 * - `removed`: somebody deleted an entry that had been there, from a directory still the same;
 * - `missing`: the entry is absent or incomplete, and nobody meant that;
 * - `orphan`: an entry of ours has no block, but says all that a block needs;
 * - `replaced`: the directory of the entries was replaced by another.
 */
export type Drift =
  | { readonly kind: 'removed' | 'missing' | 'orphan'; readonly block: Block }
  | { readonly kind: 'replaced'; readonly what: string };

/** What to compare: everything, only what `watch` reported, or only orphans. */
export type Scope = 'all' | 'changed' | 'orphans';

export interface Enforcer {
  /** For people: `peers /etc/ipsvd/smtp/peers`. */
  readonly name: string;
  /** Whether `reconcile` must be given all blocks before the first `impose` or `lift`. */
  readonly needsAll?: true;
  /** How `pending` blocks come into force; undefined when blocks are in force at once. */
  readonly rebuild?: Rebuild;
  impose(block: Block): Imposed;
  /** Whether an entry can refuse exactly this address or network, as far as is known; no I/O. */
  canRefuse(address: Address): boolean;
  /** Removes our entry for this block; returns whether there was one. */
  lift(block: Block): boolean;
  /** Whose entry refuses the address now; `block` is the block of ours that covers it, if any. */
  entryOwner(address: Address, block: Block | undefined): EntryOwner;
  /**
   * Puts all blocks in force: to repair, and at start where `needsAll` says so. Other enforcers can
   * start by imposing what `inspect` finds missing.
   */
  reconcile(blocks: readonly Block[]): void;
  /** Follows changes by others until `close`, and calls `onChange` when `inspect` is worthwhile. */
  watch(onChange?: () => void): void;
  /** Asked every second: notices what `watch` does not report, as when a link leads elsewhere. */
  look?(): void;
  /**
   * Compares entries with blocks, one entry per step, so that the caller may pause after any step.
   * Blocks may come and go between two steps. @throws Fault
   */
  inspect?(blocks: KnownBlocks, scope: Scope): Generator<Drift | undefined, void>;
  /** Finishes a pending rebuild as `flush` does, then stops timers and watchers. @throws Fault */
  close(): void;
}

/** Rebuilds the one file that a server reads. */
export interface Rebuild {
  /** Whether that file does not exist, so that the server lets nobody in. */
  readonly isMissing: boolean;
  /** Why the last rebuild failed, which keeps blocks pending; undefined when it succeeded. */
  readonly trouble: string | undefined;
  /** Milliseconds until the next rebuild; undefined when none is due. */
  readonly inMs: number | undefined;
  /** Milliseconds that the oldest change has waited that the file lacks; 0 when it has all. */
  readonly lagMs: number;
  /**
   * Resolves when pending blocks are in force, and rejects with the Fault that prevents it. Others
   * are served meanwhile.
   */
  settle(): Promise<void>;
  /** Finishes pending work at once, for callers with nobody else to serve. @throws Fault */
  flush(): void;
}
