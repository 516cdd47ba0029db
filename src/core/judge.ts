/**
 * The heart: what a limit makes of one more hit.
 *
 * Pure. It reads no clock and no counters: the caller passes how many hits each rate's window
 * holds with the new one. Everything else in src/ exists to call this.
 */
import type { Rate } from './limits.ts';

export type Verdict = 'within' | 'exceeded';

/** The verdict, and the rate that shows it best: the one exceeded most, else the one nearest to it. */
export type Judgement = { readonly verdict: Verdict; readonly count: number; readonly rate: Rate };

/** Whether that many hits are too many. */
export function isExceeded(rate: Rate, count: number): boolean {
  return rate.count >= 0 && count > rate.count;
}

/** How full a window is; an unlimited one is the emptiest. */
function fullness(rate: Rate, count: number): number {
  return rate.count < 0 ? -1 : count / Math.max(rate.count, 0.5);
}

/** Judges `counts[i]` hits against `rates[i]`; both have the same length, at least one. */
export function judge(rates: readonly Rate[], counts: readonly number[]): Judgement {
  let shown = 0;
  for (let index = 1; index < rates.length; index += 1) {
    const [rate, best] = [rates[index] as Rate, rates[shown] as Rate];
    if (fullness(rate, counts[index] as number) > fullness(best, counts[shown] as number)) {
      shown = index;
    }
  }
  const [rate, count] = [rates[shown] as Rate, counts[shown] as number];
  return { verdict: isExceeded(rate, count) ? 'exceeded' : 'within', count, rate };
}
