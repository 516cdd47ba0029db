/**
 * Long work, written once and done in either of two ways: at once, for who has nothing else to serve,
 * or beside other things.
 *
 * It is a generator. Where it yields nothing it may pause; where it yields something slow that is
 * waited for, and the thread stands still meanwhile or does not.
 *
 * Guarantee: work that is given up goes no further than where it paused or waited. What it holds it
 * lets go of, in its `finally`, when what it waited for is over.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { sliceMs } from './slice.ts';

/** What may take long, in both ways. */
export type Slow<T> = {
  now(): T;
  /** `signal` asks it to end early. */
  later(signal: AbortSignal): Promise<T>;
};

export type Work<T> = Generator<Slow<unknown> | undefined, T, unknown>;

export function* slowly<T>(slow: Slow<T>): Work<T> {
  return (yield slow) as T;
}

/** Does all of it. @throws what it throws */
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

/** Does it in slices, between which others are served. Rejects with what it throws. */
export async function doBeside<T>(work: Work<T>, signal: AbortSignal): Promise<T> {
  let untilMs = performance.now() + sliceMs;
  for (let step = work.next(); ; ) {
    if (step.done) return step.value;
    const { value: slow } = step;
    let result: Settled = { value: undefined };
    if (slow) result = await settledLater(slow.later(signal));
    else if (performance.now() > untilMs) await nextTurn();
    if (signal.aborted) return giveUp(work);
    if (slow || performance.now() > untilMs) untilMs = performance.now() + sliceMs;
    step = resume(work, result);
  }
}

type Settled = { readonly value: unknown } | { readonly error: unknown };

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
