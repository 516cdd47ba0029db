/**
 * The rows of the table, from one answer of rater to the next: they remember more of the past than
 * rater's windows do, and what has just gone stays for some seconds.
 *
 * Guarantee: nothing is remembered of a value that is not in the table.
 */
import type { TopScreen, TopValue } from '../../commands/top.ts';

/** Milliseconds. */
const goneForMs = 6000;
const ticks = 12;

export type Row = {
  readonly key: string;
  readonly value: TopValue;
  /** Hits by ten seconds, the oldest first; undefined where they are not known. */
  readonly history: readonly (number | undefined)[];
  /** When it was first missing; undefined while it is there. */
  readonly goneMs: number | undefined;
};

export function keyOf({ class: name, value }: TopValue): string {
  return `${name} ${value}`;
}

export class Rows {
  #rows: readonly Row[] = [];
  readonly #hits = new Map<string, Map<number, number>>();
  #tick = 0;
  #isAnew = false;

  get all(): readonly Row[] {
    return this.#rows;
  }

  /** The next answer is to another question: it keeps no place, and what is not in it has not gone. */
  beginAnew(): void {
    this.#isAnew = true;
  }

  /**
   * Takes an answer of rater's to the question for so many rows; with `isFrozen` they keep their order.
   * What is missing from a full answer has gone if it was far from its end, else it may be behind it.
   */
  take(
    screen: TopScreen,
    nowMs: number,
    isFrozen: boolean,
    asked = Number.POSITIVE_INFINITY,
  ): void {
    if (this.#isAnew) this.#rows = [];
    this.#isAnew = false;
    // Another rater counts its ticks anew.
    if (screen.tick < this.#tick) this.#hits.clear();
    this.#tick = screen.tick;
    const fresh = screen.values.map((value): Row => {
      const key = keyOf(value);
      return { key, value, history: this.#historyOf(key, value), goneMs: undefined };
    });
    const isFull = fresh.length >= asked;
    const there = new Set(fresh.map(({ key }) => key));
    this.#rows = this.#rows.filter(({ key }, index) => {
      return there.has(key) || !isFull || index < asked / 2;
    });
    this.#rows = isFrozen ? this.#inOldOrder(fresh, nowMs) : this.#withGone(fresh, nowMs);
    const kept = new Set(this.#rows.map(({ key }) => key));
    for (const key of this.#hits.keys()) if (!kept.has(key)) this.#hits.delete(key);
  }

  /** Those that have gone stay where they were. */
  #withGone(fresh: readonly Row[], nowMs: number): Row[] {
    const rows = [...fresh];
    const there = new Set(fresh.map(({ key }) => key));
    this.#rows.forEach((row, index) => {
      const gone = there.has(row.key) ? undefined : stillShown(row, nowMs);
      if (gone) rows.splice(index, 0, gone);
    });
    return rows;
  }

  #inOldOrder(fresh: readonly Row[], nowMs: number): Row[] {
    const byKey = new Map(fresh.map((row) => [row.key, row]));
    const old = this.#rows.flatMap((row) => {
      const now = byKey.get(row.key) ?? stillShown(row, nowMs);
      byKey.delete(row.key);
      return now ? [now] : [];
    });
    return [...old, ...byKey.values()];
  }

  #historyOf(key: string, { history }: TopValue): (number | undefined)[] {
    const hits = this.#hits.get(key) ?? new Map<number, number>();
    this.#hits.set(key, hits);
    const first = this.#tick - ticks + 1;
    for (const tick of hits.keys()) if (tick < first) hits.delete(tick);
    history.forEach((count, index) => {
      const tick = this.#tick - history.length + 1 + index;
      // A full window forgets hits that were counted before.
      if (count !== null) hits.set(tick, Math.max(count, hits.get(tick) ?? 0));
    });
    return Array.from({ length: ticks }, (_, index) => hits.get(first + index));
  }
}

function stillShown(row: Row, nowMs: number): Row | undefined {
  const goneMs = row.goneMs ?? nowMs;
  return nowMs - goneMs < goneForMs ? { ...row, goneMs } : undefined;
}
