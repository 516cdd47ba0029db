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
import type { Allowance, Block, NewBlock } from '../core/block.ts';
import type { Offences } from '../core/penalty.ts';

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
