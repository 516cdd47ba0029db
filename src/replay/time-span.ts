/** From when to when connections are logged, and where there is none for long. */

export type Gap = { readonly fromMs: number; readonly toMs: number };

/** Where a log's clock was set back, and by how much. */
export type Backward = { readonly file: string; readonly line: number; readonly seconds: number };

const leastGapMs = 3_600_000;
const longest = 3;

export class TimeSpan {
  /** Of the earliest and the latest connection, wall milliseconds; infinite without one. */
  firstMs = Number.POSITIVE_INFINITY;
  lastMs = Number.NEGATIVE_INFINITY;
  /** How many times of an hour or more there were without a connection, and the longest of them. */
  gaps = 0;
  longestGaps: Gap[] = [];
  /** How often the clock was set back, and where first. */
  backwards = 0;
  firstBackward: Backward | undefined;
  /** Of the connection before; there is no gap in front of the first one. */
  #beforeMs = Number.POSITIVE_INFINITY;

  add(atMs: number): void {
    if (atMs - this.#beforeMs >= leastGapMs) this.#addGap({ fromMs: this.#beforeMs, toMs: atMs });
    this.#beforeMs = atMs;
    if (atMs < this.firstMs) this.firstMs = atMs;
    if (atMs > this.lastMs) this.lastMs = atMs;
  }

  addBackward(backward: Backward): void {
    this.backwards += 1;
    this.firstBackward ??= backward;
  }

  #addGap(gap: Gap): void {
    this.gaps += 1;
    const lengthOf = ({ fromMs, toMs }: Gap) => toMs - fromMs;
    const sorted = [...this.longestGaps, gap].sort((a, b) => lengthOf(b) - lengthOf(a));
    this.longestGaps = sorted.slice(0, longest);
  }
}
