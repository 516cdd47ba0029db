/**
 * Where hits are counted. The promises all counters keep, and test/contract/counters.ts holds
 * them to:
 *
 * 1. Counts are exact up to twice a rate's limit, then saturate; classes share nothing.
 * 2. An answer may arrive later (a Promise) when the hits live on another host; local counters
 *    answer at once and pay nothing for that.
 * 3. Instants are monotonic milliseconds given by the caller; there is no other clock.
 */
import type { Rate } from '../core/limits.ts';
import type { Work } from '../runtime/work.ts';

/** What is counted: a value of a class. */
export type CounterKey = {
  readonly class: string;
  readonly value: string;
  /** The bits of a value that is an IPv4 address, if at hand; they must agree with the text. */
  readonly ipv4?: number | undefined;
};

/** One count per rate, in the rates' order. */
export type Counts = readonly number[];

/**
 * The hits of IPv4 addresses, given as their bits, in one class by the same rates: there is nothing
 * left to look up but the address. What is returned holds until the next call.
 */
export type Ipv4Hits = {
  /**
   * Counts a hit that exceeds none of the rates, and returns the counts with it; undefined: it would
   * exceed one, and nothing is counted.
   */
  hitWithin(bits: number, nowMs: number): Counts | undefined;
};

/** Which values are wanted. */
export type BusyQuery = {
  /** By the hits of the last `spanMs`, or by those in the window. */
  readonly by: 'rate' | 'count';
  readonly spanMs: number;
  /** So many of each class and rate. */
  readonly max: number;
  /** Only of this class, and with this in their text, in lower case; '' is in all. */
  readonly class: string | undefined;
  readonly filter: string;
};

/** The hits that a window remembers: how many are younger than each span, and how old the oldest is. */
export type Recent = { readonly within: readonly number[]; readonly reachMs: number };

export interface Counters {
  /** Counts a hit and returns the counts with it. */
  hit(key: CounterKey, rates: readonly Rate[], nowMs: number): Counts | Promise<Counts>;
  /** The counts as they are, without a hit. */
  count(key: CounterKey, rates: readonly Rate[], nowMs: number): Counts | Promise<Counts>;
  /** The hits of IPv4 addresses in a class by these rates, where they are in this process. */
  ofIPv4?(name: string, rates: readonly Rate[]): Ipv4Hits;
  /**
   * The values that are hit most, where they are in this process; looks at some in a step. Of each class
   * and rate they are exactly the busiest, as long as one limit holds for them: a value whose own limit
   * is lower is remembered with fewer hits.
   */
  busiest?(query: BusyQuery, nowMs: () => number): Work<CounterKey[]>;
  /** Of the value's window of so many seconds; undefined when there is none in this process. */
  recent?(
    key: CounterKey,
    seconds: number,
    spansMs: readonly number[],
    nowMs: number,
  ): Recent | undefined;
  /** Forgets the value's hits. */
  clear(key: CounterKey): void;
  /** Forgets values without a hit in any window, looking at `atOnce` in a step. */
  sweeping(nowMs: () => number, atOnce: number): Work<void>;
  /** How many values are tracked; with a bound, a new value may make it forget another. */
  readonly size: number;
}
