/**
 * Where blocks are remembered. The promises every store makes, and test/contract/store.ts holds
 * it to:
 *
 * 1. A block that `add` returned survives a kill -9 one instruction later.
 * 2. `removeAll` is one commit: it costs little more than what it removes.
 * 3. Faults arrive as `Fault`, never as the driver's own error.
 * 4. One address has at most one block; a later one replaces it.
 * 5. A block is an offence, remembered when the block is gone.
 */
import type { Address } from '../core/address.ts';
import type { Offences } from '../core/penalty.ts';

/** Who asked for a block. */
export type BlockSource = 'rate' | 'operator' | 'dry run';

/** An address refused until a time. Instants are milliseconds since 1970, wall clock. */
export type Block = {
  readonly address: Address;
  /** The class whose limit was exceeded, or the operator's. */
  readonly class: string;
  readonly sinceMs: number;
  readonly untilMs: number;
  /** Marks counted when it was judged, and the limit's count and seconds; 0 by an operator. */
  readonly count: number;
  readonly limit: number;
  readonly seconds: number;
  /** Which remembered offence this is: 1 for the first. */
  readonly times: number;
  readonly source: BlockSource;
  /** The operator's words, or ''. */
  readonly reason: string;
  /** The end of the block that this one replaced, by which its traces are known; or 0. */
  readonly replacedUntilMs: number;
};

/** A block before the store has looked at what it replaces. */
export type NewBlock = Omit<Block, 'replacedUntilMs'>;

/** An address that is never refused, until a time or for good. */
export type Allowance = {
  readonly address: Address;
  readonly sinceMs: number;
  /** Undefined: until it is taken back. */
  readonly untilMs: number | undefined;
  readonly reason: string;
};

export interface Store {
  /** Commits the block and the offence; returns it with what the store knows filled in. */
  add(block: NewBlock): Block;
  /**
   * Forgets the blocks of exactly these addresses and networks, or on a fault none of them; says how
   * many there were.
   */
  removeAll(addresses: readonly Address[]): number;
  /** Writes what changes nothing, to see whether it can. */
  tryWriting(): void;
  get(address: Address): Block | undefined;
  /** Every block, in any order. */
  all(): Block[];
  /** The offences of exactly this address or network. */
  offences(address: Address): Offences;
  /**
   * Forgets offences beyond the latest `kept`, the oldest first, none of an address that is blocked,
   * and at most `most` of them; says how many.
   */
  forgetOffences(kept: number, most: number): number;
  /** Commits an allowance; an earlier one of the same address is replaced. */
  allow(allowance: Allowance): void;
  /** Forgets the allowance of exactly this address; says whether there was one. */
  disallow(address: Address): boolean;
  allowances(): Allowance[];
  close(): void;
}
