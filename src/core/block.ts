/**
 * Blocks and allowances: the addresses that are refused, and those that never are.
 */
import type { Address } from './address.ts';

/** Where a block comes from. */
export type BlockSource = 'rate' | 'operator' | 'dry run';

/** An address refused until a time. Instants are milliseconds since 1970, wall clock. */
export type Block = {
  readonly address: Address;
  /** The class whose limit was exceeded, or the operator's. */
  readonly class: string;
  readonly sinceMs: number;
  readonly untilMs: number;
  /** Hits counted when it was judged, and the limit's count and seconds; 0 when by an operator. */
  readonly count: number;
  readonly limit: number;
  readonly seconds: number;
  /** Which remembered offence this is: 1 for the first. */
  readonly times: number;
  readonly source: BlockSource;
  /** The operator's words, or ''. */
  readonly reason: string;
  /** The end of the block that this one replaced, which identifies its entries; 0 for none. */
  readonly replacedUntilMs: number;
};

/** A block before the store has looked at what it replaces. */
export type NewBlock = Omit<Block, 'replacedUntilMs'>;

/** An address that is never refused, until a time or for good. */
export type Allowance = {
  readonly address: Address;
  readonly sinceMs: number;
  /** Undefined when it lasts until it is taken back. */
  readonly untilMs: number | undefined;
  readonly reason: string;
};
