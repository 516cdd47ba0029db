/** Medians, ratios and whether goals are met. Pure. */
import type { Finding, Goal, Series } from './row.ts';

export type Judgement = 'met' | 'missed' | 'not judged' | '';

/** The middle of the samples, or the mean of the middle two; NaN without samples. */
export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/**
 * How many times `other` ours is. Samples of one round belong together: a machine that was slow for
 * a round was slow for both. Without such pairs it is the ratio of the medians.
 */
export function ratioOf(ours: Series, other: Series): number {
  if (ours.samples.length !== other.samples.length) {
    return median(ours.samples) / median(other.samples);
  }
  return median(ours.samples.map((sample, round) => sample / (other.samples[round] as number)));
}

/** Ours as a multiple of the side that the goal names, else of the limit, else of the peer. */
export function ratioShown({ ours, peer, limit, goal }: Finding): number | undefined {
  const wanted = goal?.of === 'peer' ? peer : goal?.of === 'limit' ? limit : (limit ?? peer);
  return wanted && ratioOf(ours, wanted);
}

function holds(value: number, { is, bound }: Goal): boolean {
  if (is === 'exactly') return value === bound;
  return is === 'at most' ? value <= bound : value >= bound;
}

/** Whether the goal is met: by every sample for `exactly`. 'not judged' when a side is missing. */
export function judgeGoal(finding: Finding): Judgement {
  const { goal, ours } = finding;
  if (!goal) return '';
  if (goal.is === 'exactly') {
    const isMet = ours.samples.length > 0 && ours.samples.every((sample) => holds(sample, goal));
    return isMet ? 'met' : 'missed';
  }
  const value = goal.of === 'ours' ? median(ours.samples) : ratioShown(finding);
  if (value === undefined || Number.isNaN(value)) return 'not judged';
  return holds(value, goal) ? 'met' : 'missed';
}

/** How many times the measured work may cost at `size` when it costs 1 at `smallest`: logarithmic. */
export function logarithmicBound(smallest: number, size: number): number {
  return Math.log(size) / Math.log(smallest);
}
