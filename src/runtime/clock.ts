/**
 * The two clocks, in milliseconds: wall time for the ends of blocks, which people read and which
 * outlive a restart; monotonic time for windows, which a change of the date must not affect.
 */
// Imported because the global of this name is a getter.
import { performance } from 'node:perf_hooks';

export type Clock = { wallMs(): number; monotonicMs(): number };

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
