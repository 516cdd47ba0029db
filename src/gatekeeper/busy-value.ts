/** What is told of a value that is hit much, and the orders in which such values are told. */
import { type Address, ipv4Bits } from '../core/address.ts';
import type { Block } from '../core/block.ts';
import type { Rate } from '../core/limits.ts';

/** `rate`: by the hits of the last ten seconds; `count`: by how full the limit is. */
export const busyOrders = ['rate', 'count', 'left', 'address'] as const;
export type BusyOrder = (typeof busyOrders)[number];

/** What is known of a value now. */
export type BusyValue = {
  readonly class: string;
  readonly value: string;
  /** Undefined when it is none. */
  readonly address: Address | undefined;
  /** Hits in the window that is the fullest for its limit, and that limit; -1 is unlimited. */
  readonly count: number;
  readonly rate: Rate;
  /** The pattern of the limit; undefined when none matches. */
  readonly pattern: string | undefined;
  /** Hits per second over the last ten seconds, or as many of them as the window remembers. */
  readonly perSecond: number;
  /** How far back the window remembers. */
  readonly rememberedMs: number;
  /** Hits of the last minute; undefined when the window does not remember all of it. */
  readonly lastMinute: number | undefined;
  /**
   * Hits by ten seconds, the oldest first, the last ones up to now; undefined where the window does not
   * remember.
   */
  readonly history: readonly (number | undefined)[];
  readonly sessions: number;
  /** How many may be open; undefined when there is no bound. */
  readonly concurrent: number | undefined;
  readonly isAllowed: boolean;
  /** The block that refuses it, which may be that of a network around it. */
  readonly block: Block | undefined;
  readonly wouldBlock: Block | undefined;
};

function fullness({ count, rate }: BusyValue): number {
  return rate.count < 0 ? -1 : count / Math.max(rate.count, 0.5);
}

function endOf({ block }: BusyValue): number {
  return block?.untilMs ?? Number.POSITIVE_INFINITY;
}

/** IPv4 addresses by number, in front of all others. */
function compareTexts(one: BusyValue, other: BusyValue): number {
  const [bits, otherBits] = [ipv4Bits(one.value), ipv4Bits(other.value)];
  if (bits !== undefined && otherBits !== undefined) return (bits >>> 0) - (otherBits >>> 0);
  if (bits !== undefined) return -1;
  if (otherBits !== undefined) return 1;
  return one.value < other.value ? -1 : 1;
}

export type Comparison = (one: BusyValue, other: BusyValue) => number;

function byRate(one: BusyValue, other: BusyValue): number {
  return other.perSecond - one.perSecond || other.count - one.count || compareTexts(one, other);
}

export const comparisons: Readonly<Record<BusyOrder, Comparison>> = {
  rate: byRate,
  count: (one, other) => fullness(other) - fullness(one) || byRate(one, other),
  left: (one, other) => {
    const [end, otherEnd] = [endOf(one), endOf(other)];
    return end === otherEnd ? byRate(one, other) : end - otherEnd;
  },
  address: compareTexts,
};
