/**
 * Memory for windows: runs of 4, 8, 16, ... cells out of large blocks, so that a million values
 * do not cost the garbage collector a million objects.
 *
 * A run is known by a number, its handle. Freed runs are handed out again; blocks are never freed.
 */
import type { Window } from '../core/window.ts';

/** Cells in a block; a larger run has a block of its own. */
const blockCells = 1 << 16;
/** A handle is the run's number in its size class times this, plus the class. */
const classes = 32;
const smallestClass = 2;

type SizeClass = {
  readonly size: number;
  readonly blocks: Uint32Array[];
  next: number;
  free: number[];
};

export class CellStore {
  readonly #classes = Array.from({ length: classes }, (_, exponent): SizeClass => {
    return { size: 2 ** exponent, blocks: [], next: 0, free: [] };
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
    const number = sizeClass.free.pop() ?? this.#extend(sizeClass);
    const handle = number * classes + exponent;
    const { cells: block, at, size } = this.window(handle);
    block.fill(0, at, at + size);
    this.#runs += 1;
    return handle;
  }

  /** The cells of the run. */
  window(handle: number): Window {
    const { size, blocks } = this.#classes[handle % classes] as SizeClass;
    const number = Math.floor(handle / classes);
    const perBlock = Math.max(1, blockCells / size);
    const cells = blocks[Math.floor(number / perBlock)] as Uint32Array;
    return { cells, at: (number % perBlock) * size, size };
  }

  release(handle: number): void {
    this.#runs -= 1;
    (this.#classes[handle % classes] as SizeClass).free.push(Math.floor(handle / classes));
  }

  #extend(sizeClass: SizeClass): number {
    const { size, blocks } = sizeClass;
    const number = sizeClass.next++;
    const perBlock = Math.max(1, blockCells / size);
    if (number >= blocks.length * perBlock)
      blocks.push(new Uint32Array(Math.max(blockCells, size)));
    return number;
  }
}
