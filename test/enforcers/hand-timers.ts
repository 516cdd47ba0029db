/** A clock that stands still until the test moves it. */
import type { Timers } from '../../src/enforcers/rebuild-pace.ts';

type Waiting = { readonly dueMs: number; readonly task: () => void };

export class HandTimers implements Timers {
  #nowMs = 0;
  readonly #waiting = new Set<Waiting>();

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, task: () => void): () => void {
    const waiting = { dueMs: this.#nowMs + Math.max(0, delayMs), task };
    this.#waiting.add(waiting);
    return () => this.#waiting.delete(waiting);
  }

  /** Runs what is due until then, in order. */
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
