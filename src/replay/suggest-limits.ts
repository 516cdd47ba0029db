/**
 * Limits that spare a share of the clients: for each window the lowest count that so many of them never
 * exceeded, whatever the configuration would have done.
 */
import type { Replay } from './replay.ts';

export type Suggestion = {
  readonly seconds: number;
  readonly limit: number;
  readonly clients: number;
  /** How many clients never exceeded it, and how many did. */
  readonly spared: number;
  readonly hit: number;
  /** The connections of those that did. */
  readonly connectionsOfHit: number;
  /** The least that a client had in the window that did exceed it; null when none did. */
  readonly next: number | null;
  /** Whether more hits than are counted exactly would have to be spared: then there is no such limit. */
  readonly isBeyond: boolean;
};

/** `wanted` is above 0 and at most 1. */
export function suggestLimits(
  { main, candidates, isExempt }: Replay,
  wanted: number,
): Suggestion[] {
  const windows = [...new Set(candidates.candidates.map(({ rate }) => rate.seconds))];
  const rows = Array.from({ length: main.clients.size }, (_, row) => row).filter((row) => {
    return isExempt[row] === false;
  });
  return windows.map((seconds) => {
    const peaks = candidates.peaks(seconds);
    const sorted = Uint32Array.from(rows, (row) => peaks[row] as number).sort();
    const limit = sorted[Math.max(0, Math.ceil(wanted * sorted.length) - 1)] ?? 0;
    const hit = rows.filter((row) => (peaks[row] as number) > limit);
    const connectionsOfHit = hit.reduce(
      (sum, row) => sum + (main.clients.connections[row] as number),
      0,
    );
    return {
      ...{
        seconds,
        limit,
        clients: rows.length,
        spared: rows.length - hit.length,
        hit: hit.length,
      },
      connectionsOfHit,
      next: sorted.find((peak) => peak > limit) ?? null,
      isBeyond: limit >= candidates.exactTo(seconds),
    };
  });
}
