/**
 * Where blocks are remembered. Every store keeps these promises, and test/contract/store.ts tests
 * them:
 *
 * 1. A block that `add` returned survives a kill -9 one instruction later, if anything does: what
 *    memory-store.ts holds is forgotten.
 * 2. `removeAll` is one commit: it costs little more than what it removes.
 * 3. Faults arrive as `Fault`, never as the driver's own error.
 * 4. One address has at most one block; a later one replaces it.
 * 5. A block is an offence, remembered when the block is gone.
 */
import type { Address } from '../core/address.ts';
import type { Allowance, Block, NewBlock } from '../core/block.ts';
import type { HistoryEvent, HourlyTotal } from '../core/history-event.ts';
import type { Offences } from '../core/penalty.ts';

/** Some of what happened, the latest first; `next` continues, and is undefined at the end. */
export type EventPage = {
  readonly events: readonly HistoryEvent[];
  readonly next: number | undefined;
};

export interface Store {
  /** Commits the block and the offence; returns it with what the store knows filled in. */
  add(block: NewBlock): Block;
  /**
   * Forgets the blocks of exactly these addresses and networks, or on a fault none of them; returns
   * how many there were.
   */
  removeAll(addresses: readonly Address[]): number;
  /** Writes without changing anything, to see whether it can. */
  tryWriting(): void;
  /** Every block, in any order. */
  all(): Block[];
  /** The offences of exactly this address or network. */
  offences(address: Address): Offences;
  /**
   * Forgets the oldest offences, so that `kept` remain, but none of a blocked address, and at most
   * `max` of them; returns how many.
   */
  forgetOffences(kept: number, max: number): number;
  /** Commits an allowance; an earlier one of the same address is replaced. */
  allow(allowance: Allowance): void;
  /** Forgets the allowance of exactly this address; returns whether there was one. */
  disallow(address: Address): boolean;
  allowances(): Allowance[];
  /** Commits all of what happened, or on a fault nothing of it; the latest comes last. */
  addEvents(events: readonly HistoryEvent[]): void;
  /**
   * Looks through at most `max` events, from the latest or where another page ended, and returns those
   * of the span of time.
   */
  events(from: number | undefined, max: number, sinceMs: number, untilMs: number): EventPage;
  /** Forgets events that are older, and the first ones beyond `kept`, at most `max`; how many. */
  forgetEvents(kept: number, olderMs: number, max: number): number;
  /** Adds to what is counted of these hours and classes, in one commit. */
  addTotals(totals: readonly HourlyTotal[]): void;
  /** Those of hours that began at `sinceMs` or later and before `untilMs`, by hour and class. */
  totals(sinceMs: number, untilMs: number): HourlyTotal[];
  /** Forgets hours that began before. */
  forgetTotals(olderMs: number): void;
  close(): void;
}
