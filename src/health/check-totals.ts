/**
 * What is measured of the answers to checks since the start of rater.
 */

/** What became of the checks of one class. */
export type ClassTally = {
  within: number;
  /** Refused without a block: a limit, sessions, overload. */
  exceeded: number;
  /** Refused because of a block, the one that was just made included. */
  blocked: number;
  errors: number;
};

/** Answer times: how many checks took less than `belowUs`, and not less than the row before. */
export type LatencyRow = { readonly belowUs: number; readonly checks: number };

export type CheckTotals = {
  readonly checks: number;
  /** Checks per second over the last so many whole seconds; undefined: not up for so long yet. */
  readonly rates: readonly { readonly seconds: number; readonly perSecond: number | undefined }[];
  /** `-` stands for requests without a class that exists. */
  readonly classes: readonly (ClassTally & { readonly name: string })[];
  readonly latencies: readonly LatencyRow[];
};
