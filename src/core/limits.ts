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

/** The first limit that matches; undefined when the value is unlimited. */
export function findLimit(
  limits: readonly Limit[],
  value: string,
  address: Address | undefined,
): Limit | undefined {
  return limits.find((limit) => limit.pattern.matches(value, address));
}
