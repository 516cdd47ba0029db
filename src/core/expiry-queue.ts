/**
 * Hands out things in the order in which they end: a binary heap.
 *
 * Adding and taking cost the logarithm of the size. Nothing can be removed before its end, so the
 * caller checks whether what it takes still counts.
 */

type Ends = { readonly untilMs: number };

export class ExpiryQueue<T extends Ends> {
  #heap: T[] = [];

  get size(): number {
    return this.#heap.length;
  }

  /** Holds exactly these from now on. */
  reset(all: Iterable<T>): void {
    // A sorted list is a heap.
    this.#heap = [...all].sort((a, b) => a.untilMs - b.untilMs);
  }

  add(one: T): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above] as T;
      if (parent.untilMs <= one.untilMs) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = one;
  }

  /** The one that ends first. */
  first(): T | undefined {
    return this.#heap[0];
  }

  takeFirst(): T | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (last && last !== first) this.#sink(last);
    return first;
  }

  /** Puts `one` where the first was taken. */
  #sink(one: T): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      const right = below + 1;
      if (right < heap.length && (heap[right] as T).untilMs < (heap[below] as T).untilMs) {
        below = right;
      }
      const child = heap[below] as T;
      if (child.untilMs >= one.untilMs) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = one;
  }
}
