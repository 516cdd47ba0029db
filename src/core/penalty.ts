/**
 * How long a block lasts: longer for each offence that is remembered.
 *
 * Pure: the remembered offences and the random number are arguments. Offences change only how long
 * a block lasts, never the limit itself.
 */

/** Offences of one address: how many, and when the last one was (wall milliseconds). */
export type Offences = { readonly times: number; readonly lastMs: number };

export type Penalty = {
  /** Seconds for the first, second, ... offence; the last one is for all further ones. */
  readonly steps: readonly number[];
  /** Each offence after the last step multiplies by this; 1 leaves the time as it is. */
  readonly factor: number;
  /** The longest block, in seconds. */
  readonly capSeconds: number;
  /** One offence is forgotten for each such time without another; 0 never forgets. */
  readonly decaySeconds: number;
  /** Up to this share is added at random, so that clients do not all come back at once; 0 to 1. */
  readonly jitter: number;
};

/** How many of the offences are still remembered. */
export function offencesLeft(past: Offences, penalty: Penalty, nowMs: number): number {
  if (penalty.decaySeconds <= 0) return past.times;
  const quietMs = Math.max(0, nowMs - past.lastMs);
  return Math.max(0, past.times - Math.floor(quietMs / (penalty.decaySeconds * 1000)));
}

/** Seconds that offence number `times` is blocked, 1 being the first; `random` is in [0, 1). */
export function penaltySeconds(penalty: Penalty, times: number, random: number): number {
  const { steps, factor, capSeconds, jitter } = penalty;
  const step = steps[Math.min(times, steps.length) - 1] ?? capSeconds;
  const beyond = Math.max(0, times - steps.length);
  const seconds = Math.min(step * factor ** beyond, capSeconds);
  return Math.round(Math.min(seconds * (1 + jitter * random), capSeconds));
}
