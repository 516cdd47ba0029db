/**
 * The highest ranked of many things, without sorting them all: most are turned away by one comparison.
 */

type Ranked<T> = { readonly rank: number; readonly item: T };

export class Highest<T> {
  readonly #max: number;
  /** The highest first. */
  readonly #kept: Ranked<T>[] = [];

  /** Keeps at most `max`, at least one. */
  constructor(max: number) {
    this.#max = max;
  }

  /** What is not ranked above this is turned away; 0 as long as there is room. */
  get floor(): number {
    const { length } = this.#kept;
    return length === this.#max ? (this.#kept[length - 1] as Ranked<T>).rank : 0;
  }

  /** Of equal ones it keeps those that were offered first. */
  offer(rank: number, item: T): void {
    const kept = this.#kept;
    if (kept.length === this.#max) {
      if (rank <= (kept[kept.length - 1] as Ranked<T>).rank) return;
      kept.pop();
    }
    let [low, high] = [0, kept.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((kept[middle] as Ranked<T>).rank < rank) high = middle;
      else low = middle + 1;
    }
    kept.splice(low, 0, { rank, item });
  }

  /** The highest first. */
  items(): T[] {
    return this.#kept.map(({ item }) => item);
  }
}
