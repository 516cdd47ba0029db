/** Measurements of the answers to checks since the start of rater. */

/** How the checks of one class were answered. */
export type ClassTally = {
  within: number;
  /** Refused without a block: a limit, sessions, overload. */
  exceeded: number;
  /** Refused because of a block, even if that check made it. */
  blocked: number;
  errors: number;
};

/** How many checks took less than `belowUs`, but at least as long as the row before. */
export type LatencyRow = { readonly belowUs: number; readonly checks: number };

export type CheckTotals = {
  readonly checks: number;
  /** That all answers took together. */
  readonly seconds: number;
  /** Checks per second over the last whole seconds; undefined until so many have passed. */
  readonly rates: readonly { readonly seconds: number; readonly perSecond: number | undefined }[];
  /** `-` stands for requests without a class that exists. */
  readonly classes: readonly (ClassTally & { readonly name: string })[];
  readonly latencies: readonly LatencyRow[];
};
