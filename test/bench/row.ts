/**
 * What is measured: each row of the table of rows gives findings, and each finding is a line of the
 * printed table.
 */
import type { Workbench } from './workbench.ts';

/** What one contender gave, round by round. */
export type Series = { readonly name: string; readonly samples: readonly number[] };

/** What ours is compared with: the peer, the limit, or only its own bound. */
export type Against = 'peer' | 'limit' | 'ours';

export type Goal = {
  readonly is: 'at most' | 'at least' | 'exactly';
  readonly bound: number;
  /** `bound` is a multiple of this, or for `ours` a number in the finding's unit. */
  readonly of: Against;
};

export type Finding = {
  /** Unique in a run: runs are compared by it, so it names the sizes that were used. */
  readonly what: string;
  /** `/s`, `us`, `ms`, `s`, `B`, `MB` or '' for a plain number. */
  readonly unit: string;
  readonly ours: Series;
  readonly peer?: Series | undefined;
  readonly limit?: Series | undefined;
  readonly goal?: Goal | undefined;
  /** Whether missing the goal is a fault, not just slowness. */
  readonly isCorrectness?: boolean;
};

export type Row = {
  /** The name of its file. */
  readonly name: string;
  /** As the project's table of goals words it. */
  readonly what: string;
  measure(bench: Workbench): Promise<Finding[]>;
};

/** Thrown by a row that cannot be measured here; the message says why. */
export class Skipped extends Error {}
