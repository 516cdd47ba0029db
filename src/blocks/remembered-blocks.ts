/**
 * The blocks in memory and in the store.
 *
 * Guarantee: a block that the store would not take is kept in memory, and `commitLate` tries again.
 */

import type { Address } from '../core/address.ts';
import { BlockIndex } from '../core/block-index.ts';
import type { Offences } from '../core/penalty.ts';
import type { Block, NewBlock, Store } from '../store/store.ts';
import type { Troubles } from '../troubles.ts';

export class RememberedBlocks {
  readonly index = new BlockIndex<Block>();
  readonly #store: Store;
  readonly #troubles: Troubles;
  /** Blocks that the store would not take. */
  readonly #uncommitted = new Map<string, NewBlock>();

  constructor(store: Store, troubles: Troubles) {
    this.#store = store;
    this.#troubles = troubles;
    for (const block of store.all()) this.index.set(block);
  }

  /** Remembers the block, in place of an earlier one of its address. */
  add(block: NewBlock): Block {
    const committed = this.#write(() => this.#store.add(block));
    if (committed) this.#uncommitted.delete(block.address.text);
    else this.#uncommitted.set(block.address.text, block);
    const added = committed ?? { ...block, replacedUntilMs: 0 };
    this.index.set(added);
    return added;
  }

  commitLate(): void {
    for (const block of [...this.#uncommitted.values()]) this.add(block);
  }

  remove({ address }: Block): void {
    this.#write(() => this.#store.remove(address));
    this.#uncommitted.delete(address.text);
    this.index.delete(address);
  }

  /** Blocks that are over, those that end first in front and at most `most` of the store's. */
  over(nowMs: number, most: number): Block[] {
    const stored = this.#read(() => this.#store.expired(nowMs, most)) ?? [];
    const others = [...this.#uncommitted.values()].filter((block) => block.untilMs <= nowMs);
    return [...stored, ...others.flatMap((block) => this.index.get(block.address) ?? [])];
  }

  /** When the next block ends, wall milliseconds, or undefined. */
  nextEndMs(): number | undefined {
    return this.#read(() => this.#store.nextEndMs());
  }

  /** All blocks, those that end first in front. */
  all(): Block[] {
    return [...this.index.values()].sort((a, b) => a.untilMs - b.untilMs);
  }

  /** What is remembered of the address; nothing when the store cannot tell. */
  offences(address: Address): Offences {
    return this.#read(() => this.#store.offences(address)) ?? { times: 0, lastMs: 0 };
  }

  close(): void {
    this.#store.close();
  }

  #write<T>(work: () => T): T | undefined {
    return this.#troubles.try('database', 'store', work);
  }

  /** Reading may work while nothing can be written, so it is a part of its own. */
  #read<T>(work: () => T): T | undefined {
    return this.#troubles.try('database', 'store (reading)', work);
  }
}
