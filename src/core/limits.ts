/**
 * Classes and their limits. In a class the first limit whose pattern matches decides.
 */
import type { Address } from './address.ts';
import type { Pattern } from './pattern.ts';

/** At most `count` marks in any `seconds`; -1 is unlimited, 0 refuses always. */
export type Rate = { readonly seconds: number; readonly count: number };

/** What values that match `pattern` may do: every one of `rates` holds. Never empty. */
export type Limit = { readonly pattern: Pattern; readonly rates: readonly Rate[] };

/** A class of values, counted apart from all other classes. */
export type LimitClass = {
  readonly name: string;
  /** Whether its values must be addresses. */
  readonly addresses: boolean;
  readonly limits: readonly Limit[];
};

/** The first limit that matches, or undefined: unlimited. */
export function findLimit(
  limits: readonly Limit[],
  value: string,
  address: Address | undefined,
): Limit | undefined {
  return limits.find((limit) => limit.pattern.matches(value, address));
}
