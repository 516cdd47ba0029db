/** The clock and the event loop as enforcers need them; tests replace both. */
import { doBeside, type Work } from './work.ts';

/** How work ended that was done beside other things. */
export type WorkOutcome = 'done' | 'given up' | { readonly error: unknown };

export type Timers = {
  /** Milliseconds on a clock that never jumps. */
  nowMs(): number;
  /** Runs `task` after `delayMs`; 0 means at the end of this turn. Returns a function that cancels it. */
  after(delayMs: number, task: () => void): () => void;
  /** Does `work` beside other things, then calls `onEnd`. Returns a function that gives it up. */
  begin(work: Work<void>, onEnd: (ending: WorkOutcome) => void): () => void;
};

export const realTimers: Timers = {
  nowMs: () => performance.now(),
  after(delayMs, task) {
    if (delayMs <= 0) {
      const immediate = setImmediate(task);
      return () => clearImmediate(immediate);
    }
    const timeout = setTimeout(task, delayMs);
    return () => clearTimeout(timeout);
  },
  begin(work, onEnd) {
    const abort = new AbortController();
    const end = (ending: WorkOutcome) => onEnd(abort.signal.aborted ? 'given up' : ending);
    doBeside(work, { signal: abort.signal }).then(
      () => end('done'),
      (error: unknown) => end({ error }),
    );
    return () => abort.abort();
  },
};
