/**
 * How long a block lasts: longer for each offence that is remembered.
 *
 * Pure: the memory of offences and the random number are arguments. The limit itself never
 * changes by offences, only the time outside.
 */

/** Offences of one address: how many, and when the last one was (wall milliseconds). */
export type Offences = { readonly times: number; readonly lastMs: number };

export type Penalty = {
  /** Seconds for the first, second, ... offence; the last one is for all further ones. */
  readonly steps: readonly number[];
  /** After the last step each offence multiplies by this; 1 for none. */
  readonly factor: number;
  /** No block is longer, in seconds. */
  readonly capSeconds: number;
  /** Each such time without an offence forgets one; 0 never forgets. */
  readonly decaySeconds: number;
  /** Up to this share is added at random, so that not everybody comes back at once; 0 to 1. */
  readonly jitter: number;
};

/** How many of the offences are not forgotten yet. */
export function offencesLeft(past: Offences, penalty: Penalty, nowMs: number): number {
  if (penalty.decaySeconds <= 0) return past.times;
  const quietMs = Math.max(0, nowMs - past.lastMs);
  return Math.max(0, past.times - Math.floor(quietMs / (penalty.decaySeconds * 1000)));
}

/** Seconds outside for the offence number `times`, 1 being the first; `random` is in [0, 1). */
export function penaltySeconds(penalty: Penalty, times: number, random: number): number {
  const { steps, factor, capSeconds, jitter } = penalty;
  const step = steps[Math.min(times, steps.length) - 1] ?? capSeconds;
  const beyond = Math.max(0, times - steps.length);
  const seconds = Math.min(step * factor ** beyond, capSeconds);
  return Math.round(Math.min(seconds * (1 + jitter * random), capSeconds));
}
