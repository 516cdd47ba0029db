/**
 * The two clocks, in milliseconds: wall time for the ends of blocks, which people read and which
 * outlive a restart; monotonic time for windows, which a change of the date must not affect.
 */
export type Clock = { wallMs(): number; monotonicMs(): number };

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
