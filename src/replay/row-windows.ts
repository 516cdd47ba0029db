/**
 * Windows of one rate for clients that are known by their rows, so that there is nothing to look up.
 */
import type { Rate } from '../core/limits.ts';
import {
  addHit,
  cellsFor,
  copyHits,
  countHits,
  isIdle,
  needsRoom,
  slotsOf,
  type Window,
} from '../core/window.ts';
import type { CellStore } from '../counters/cell-store.ts';
import { withRoomFor } from './column.ts';

const smallest = 1024;

export class RowWindows {
  readonly #rate: Rate;
  readonly #cells: CellStore;
  /** By row: the handle of its window and 1; 0 for none. */
  #handles = new Float64Array(smallest);

  constructor(rate: Rate, cells: CellStore) {
    this.#rate = rate;
    this.#cells = cells;
  }

  /** Counts a hit at this monotonic instant; returns how many are in the window with it. */
  hit(row: number, nowMs: number): number {
    const kept = this.#handles[row] ?? 0;
    if (kept === 0) return addHit(this.#newWindow(row, cellsFor(1)), this.#rate, nowMs, 0);
    const window = this.#cells.window(kept - 1);
    const count = countHits(window, this.#rate, nowMs);
    const roomy = needsRoom(window, this.#rate, count)
      ? this.#larger(row, kept - 1, window)
      : window;
    return addHit(roomy, this.#rate, nowMs, count);
  }

  /** Forgets clients without a hit in the window. Returns how many are left. */
  dropIdle(nowMs: number): number {
    let left = 0;
    for (const [row, kept] of this.#handles.entries()) {
      if (kept === 0) continue;
      if (!isIdle(this.#cells.window(kept - 1), nowMs)) left += 1;
      else {
        this.#cells.release(kept - 1);
        this.#handles[row] = 0;
      }
    }
    return left;
  }

  #larger(row: number, handle: number, window: Window): Window {
    const larger = this.#newWindow(row, cellsFor(slotsOf(window) + 1));
    copyHits(window, larger);
    this.#cells.release(handle);
    return larger;
  }

  #newWindow(row: number, cells: number): Window {
    this.#handles = withRoomFor(this.#handles, row);
    const handle = this.#cells.allocate(cells);
    this.#handles[row] = handle + 1;
    return this.#cells.window(handle);
  }
}
