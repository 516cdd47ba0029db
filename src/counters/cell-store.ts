/**
 * Memory for windows: runs of 4, 8, 16, ... cells out of large blocks, so that a million values
 * do not cost the garbage collector a million objects.
 *
 * A run is known by a number, its handle. Freed runs are handed out again; blocks are never freed. The
 * first cell of a freed run says which was freed before it, so that a million of them need no list,
 * whose growth would stall every client.
 */
import type { Window } from '../core/window.ts';

/** Cells in a block, as a power of two; a larger run has a block of its own. */
const blockExponent = 16;
const blockCells = 1 << blockExponent;
/**
 * A handle is 32 bits: 27 for the run's number in its size class, which is more than `max_values` can
 * be, and the class. They are taken apart without a division, which would be a tenth of a check.
 */
const classBits = 5;
const classes = 1 << classBits;
const smallestClass = 2;

type SizeClass = {
  readonly size: number;
  readonly blocks: Uint32Array[];
  /** How many runs were ever handed out. */
  extent: number;
  /** The number of the run that was freed last, plus 1; 0 when none is free. */
  free: number;
};

export class CellStore {
  readonly #classes = Array.from({ length: classes }, (_, exponent): SizeClass => {
    return { size: 2 ** exponent, blocks: [], extent: 0, free: 0 };
  });

  #runs = 0;

  /** How many runs are in use. */
  get runs(): number {
    return this.#runs;
  }

  /** A run of at least `cells` cells, all zero. */
  allocate(cells: number): number {
    const exponent = Math.max(smallestClass, Math.ceil(Math.log2(cells)));
    const sizeClass = this.#classes[exponent] as SizeClass;
    const number = sizeClass.free === 0 ? this.#extend(sizeClass) : sizeClass.free - 1;
    const handle = ((number << classBits) | exponent) >>> 0;
    const { cells: block, at, size } = this.window(handle);
    if (sizeClass.free !== 0) sizeClass.free = block[at] as number;
    block.fill(0, at, at + size);
    this.#runs += 1;
    return handle;
  }

  /** The cells of the run. */
  window(handle: number): Window {
    const exponent = handle & (classes - 1);
    const { size, blocks } = this.#classes[exponent] as SizeClass;
    const number = handle >>> classBits;
    const bits = Math.max(0, blockExponent - exponent);
    const cells = blocks[number >>> bits] as Uint32Array;
    return { cells, at: (number & ((1 << bits) - 1)) << exponent, size };
  }

  release(handle: number): void {
    const sizeClass = this.#classes[handle & (classes - 1)] as SizeClass;
    const { cells, at } = this.window(handle);
    cells[at] = sizeClass.free;
    sizeClass.free = (handle >>> classBits) + 1;
    this.#runs -= 1;
  }

  #extend(sizeClass: SizeClass): number {
    const { size, blocks } = sizeClass;
    const number = sizeClass.extent++;
    const perBlock = Math.max(1, blockCells / size);
    if (number >= blocks.length * perBlock)
      blocks.push(new Uint32Array(Math.max(blockCells, size)));
    return number;
  }
}
