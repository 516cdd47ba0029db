/**
 * Classes and their limits. In a class the first limit whose pattern matches decides.
 */
import type { Address } from './address.ts';
import type { Pattern } from './pattern.ts';

/** At most `count` hits in any `seconds`; -1 is unlimited, 0 refuses always. */
export type Rate = { readonly seconds: number; readonly count: number };

/**
 * The rates that values matching `pattern` must keep, all of them: at least one, and no two with
 * the same seconds.
 */
export type Limit = { readonly pattern: Pattern; readonly rates: readonly Rate[] };

/** A class of values, counted apart from all other classes. */
export type LimitClass = {
  readonly name: string;
  /** Whether its values must be addresses. */
  readonly addresses: boolean;
  readonly limits: readonly Limit[];
  /** Addresses are counted and blocked by networks of this many bits. */
  readonly prefix4: number;
  readonly prefix6: number;
  /** Classes in which a hit of this one counts too, with the same value. */
  readonly also: readonly string[];
  /** How many sessions of a value may be open at once; undefined for any number. */
  readonly concurrent: number | undefined;
  /** Only report what would be refused or blocked. */
  readonly dryRun: boolean;
  /** While the queue is too long, refuse every client that is not allowlisted. */
  readonly overload: boolean;
};

/** A class's values where `classes` in the configuration says nothing. */
export const plainClass = {
  prefix4: 32,
  prefix6: 64,
  also: [],
  concurrent: undefined,
  dryRun: false,
  overload: false,
} as const satisfies Partial<LimitClass>;

/** The first limit that matches; undefined when the value is unlimited. */
export function findLimit(
  limits: readonly Limit[],
  value: string,
  address: Address | undefined,
): Limit | undefined {
  return limits.find((limit) => limit.pattern.matches(value, address));
}
