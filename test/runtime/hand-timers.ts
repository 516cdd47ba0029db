/** A clock that stands still until the test moves it. */
import type { Timers, WorkOutcome } from '../../src/runtime/timers.ts';
import { doNow, type Work } from '../../src/runtime/work.ts';

type Waiting = { readonly dueMs: number; readonly task: () => void };

export class HandTimers implements Timers {
  #nowMs = 0;
  #held: (() => void)[] | undefined;
  readonly #waiting = new Set<Waiting>();

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, task: () => void): () => void {
    const waiting = { dueMs: this.#nowMs + Math.max(0, delayMs), task };
    this.#waiting.add(waiting);
    return () => this.#waiting.delete(waiting);
  }

  /** No time passes while the work is done, unless `hold` makes it wait. */
  begin(work: Work<void>, onEnd: (ending: WorkOutcome) => void): () => void {
    let isOver = false;
    const end = (ending: WorkOutcome) => {
      if (!isOver) onEnd(ending);
      isOver = true;
    };
    const finish = () => {
      if (!isOver) end(endingOf(work));
    };
    if (this.#held) this.#held.push(finish);
    else finish();
    return () => end('given up');
  }

  /** From now on work goes on until it is released. */
  hold(): void {
    this.#held ??= [];
  }

  /** Finishes the work that has been held longest. */
  release(): void {
    this.#held?.shift()?.();
  }

  /** Moves the clock; runs the tasks that are due until then, in order. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (let next = this.#nextUntil(untilMs); next; next = this.#nextUntil(untilMs)) {
      this.#waiting.delete(next);
      this.#nowMs = next.dueMs;
      next.task();
    }
    this.#nowMs = untilMs;
  }

  #nextUntil(untilMs: number): Waiting | undefined {
    return [...this.#waiting]
      .filter((waiting) => waiting.dueMs <= untilMs)
      .sort((a, b) => a.dueMs - b.dueMs)[0];
  }
}

function endingOf(work: Work<void>): WorkOutcome {
  try {
    doNow(work);
    return 'done';
  } catch (error) {
    return { error };
  }
}
