/**
 * Long work, written once and done in either of two ways: at once, when nobody else needs serving,
 * or in slices, between which others are served.
 *
 * Work is a generator. Where it yields undefined it may pause; where it yields something slow, that
 * is waited for: done at once it blocks the thread, in slices it does not.
 *
 * Guarantee: work that is given up goes no further than where it paused or waited. Its `finally`
 * then releases what it holds, after what it waited for is over.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Milliseconds that long work may run before it yields to others. */
export const sliceMs = 3;
/** Most steps of a slice, however short they are. */
const stepsInSlice = 100;

/** Something slow, to be done in either way. */
export type Slow<T> = {
  now(): T;
  /** `signal` asks it to end early. */
  later(signal: AbortSignal): Promise<T>;
};

export type Work<T> = Generator<Slow<unknown> | undefined, T, unknown>;

export function* slowly<T>(slow: Slow<T>): Work<T> {
  return (yield slow) as T;
}

/** Does all of the work at once. @throws what the work throws */
export function doNow<T>(work: Work<T>): T {
  let step = work.next();
  while (!step.done) {
    const { value: slow } = step;
    step = slow
      ? resume(
          work,
          settled(() => slow.now()),
        )
      : work.next();
  }
  return step.value;
}

/** Does the work in slices, between which others are served. Rejects with what the work throws. */
export async function doBeside<T>(
  work: Work<T>,
  { signal = neverAborted, nowMs = monotonicMs } = {},
): Promise<T> {
  for (let result = nothing; ; ) {
    const step = doSlice(work, nowMs, result);
    if (step.done) return step.value;
    const { value: slow } = step;
    result = slow ? await settledLater(slow.later(signal)) : await nextTurn(nothing);
    if (signal.aborted) return giveUp(work);
  }
}

/**
 * Does one slice, for callers that pause or wait themselves. Returns the step that the slice ends
 * with: the last of all, one that waits for something slow, or one after which to pause.
 */
export function doSlice<T>(
  work: Work<T>,
  nowMs = monotonicMs,
  result: Settled = nothing,
): IteratorResult<Slow<unknown> | undefined, T> {
  const untilMs = nowMs() + sliceMs;
  let step = resume(work, result);
  for (let steps = 1; steps < stepsInSlice; steps += 1) {
    if (step.done || step.value || nowMs() > untilMs) break;
    step = work.next();
  }
  return step;
}

export type Settled = { readonly value: unknown } | { readonly error: unknown };

const monotonicMs = () => performance.now();
const nothing: Settled = { value: undefined };
const neverAborted = new AbortController().signal;

function settled(call: () => unknown): Settled {
  try {
    return { value: call() };
  } catch (error) {
    return { error };
  }
}

function settledLater(promise: Promise<unknown>): Promise<Settled> {
  return promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
}

function resume<T>(work: Work<T>, result: Settled): IteratorResult<Slow<unknown> | undefined, T> {
  return 'error' in result ? work.throw(result.error) : work.next(result.value);
}

function giveUp(work: Work<unknown>): never {
  work.return(undefined);
  throw new Error('given up');
}
