/**
 * What a limit is. In a class the first one whose pattern matches decides: see limit-index.ts.
 */
import type { Pattern } from './pattern.ts';

/** At most `count` hits in any `seconds`; -1 is unlimited, 0 refuses always. */
export type Rate = { readonly seconds: number; readonly count: number };

/**
 * The rates that values matching `pattern` must keep, all of them: at least one, and no two with
 * the same seconds.
 */
export type Limit = { readonly pattern: Pattern; readonly rates: readonly Rate[] };
