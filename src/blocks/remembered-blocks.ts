/**
 * The blocks in memory and in the store, and what ends next.
 *
 * Guarantee: what the store would not take or remove is kept in memory, and `commitLate` tries again.
 */
import type { Address } from '../core/address.ts';
import { BlockIndex } from '../core/block-index.ts';
import { EndQueue } from '../core/end-queue.ts';
import type { Offences } from '../core/penalty.ts';
import type { Block, NewBlock, Store } from '../store/store.ts';
import type { Troubles } from '../troubles.ts';

/** How many blocks that are no more may wait for their end, beyond as many as there are blocks. */
const idleEnds = 1000;

/** How trouble with writing to the store is called. */
const mode = 'database';
const part = 'store';

export class RememberedBlocks {
  readonly index = new BlockIndex<Block>();
  readonly #ends = new EndQueue<Block>();
  readonly #store: Store;
  readonly #troubles: Troubles;
  /** Blocks that the store would not take. */
  readonly #uncommitted = new Map<string, NewBlock>();
  /** Blocks that the store would not remove. */
  readonly #unremoved = new Map<string, Address>();
  /** Blocks that are over, of which a server would not let go. */
  readonly #stuck = new Map<string, Block>();

  constructor(store: Store, troubles: Troubles) {
    this.#store = store;
    this.#troubles = troubles;
    const blocks = store.all();
    for (const block of blocks) this.index.set(block);
    this.#ends.reset(blocks);
  }

  /** Remembers the block, in place of an earlier one of its address. */
  add(block: NewBlock): Block {
    const { text } = block.address;
    this.#unremoved.delete(text);
    this.#stuck.delete(text);
    const added = this.#commit(block);
    this.#ends.add(added);
    if (this.#ends.size > 2 * this.index.size + idleEnds) this.#ends.reset(this.index.values());
    return added;
  }

  /** Tries again what the store would not do. */
  commitLate(): void {
    for (const block of [...this.#uncommitted.values()]) {
      this.add(block);
      if (this.#uncommitted.has(block.address.text)) return;
    }
    if (this.#unremoved.size > 0) this.#removeFromStore([...this.#unremoved.values()]);
    if (this.#troubles.current.has(part)) this.#write(() => this.#store.tryWriting());
  }

  remove(blocks: readonly Block[]): void {
    for (const { address } of blocks) {
      this.#uncommitted.delete(address.text);
      this.#stuck.delete(address.text);
      this.index.delete(address);
    }
    this.#removeFromStore(blocks.map(({ address }) => address));
  }

  /** Refuses nobody any more by a block that is over, and remembers it until it is removed. */
  setAside(block: Block): void {
    this.index.delete(block.address);
    this.#stuck.set(block.address.text, block);
  }

  /** Those that were set aside. */
  stuck(): Block[] {
    return [...this.#stuck.values()];
  }

  /** When the next block ends, wall milliseconds, or undefined. */
  nextEndMs(): number | undefined {
    return this.#next()?.untilMs;
  }

  /** The next block that is over, each once; who takes it removes it or sets it aside. */
  takeOver(nowMs: number): Block | undefined {
    const block = this.#next();
    if (!block || block.untilMs > nowMs) return undefined;
    return this.#ends.takeFirst();
  }

  /** Forgets the oldest offences beyond `kept`, at most `most`; says how many. */
  forgetOffences(kept: number, most: number): number {
    const work = () => this.#store.forgetOffences(kept, most);
    return this.#troubles.attempt(mode, part, work) ?? 0;
  }

  /** What is remembered of the address; nothing when the store cannot tell. */
  offences(address: Address): Offences {
    return this.#read(() => this.#store.offences(address)) ?? { times: 0, lastMs: 0 };
  }

  close(): void {
    this.commitLate();
    this.#store.close();
  }

  #write<T>(work: () => T): T | undefined {
    return this.#troubles.try(mode, part, work);
  }

  /** Reading may work while nothing can be written, so it is a part of its own. */
  #read<T>(work: () => T): T | undefined {
    return this.#troubles.try(mode, 'store (reading)', work);
  }

  /** The block that ends next. */
  #next(): Block | undefined {
    for (;;) {
      const block = this.#ends.first();
      if (!block || this.index.get(block.address) === block) return block;
      this.#ends.takeFirst();
    }
  }

  #commit(block: NewBlock): Block {
    const committed = this.#write(() => this.#store.add(block));
    if (committed) this.#uncommitted.delete(block.address.text);
    else this.#uncommitted.set(block.address.text, block);
    // Its file may have the end of the block before.
    const before = this.index.get(block.address);
    const replacedUntilMs =
      before?.untilMs === block.untilMs ? before.replacedUntilMs : before?.untilMs;
    const added = committed ?? { ...block, replacedUntilMs: replacedUntilMs ?? 0 };
    this.index.set(added);
    return added;
  }

  #removeFromStore(addresses: readonly Address[]): void {
    const removed = this.#troubles.attempt(mode, part, () => this.#store.removeAll(addresses));
    // Where there was nothing to remove, nothing was written.
    if (removed) this.#troubles.worked(mode, part);
    for (const address of addresses) {
      if (removed !== undefined) this.#unremoved.delete(address.text);
      else this.#unremoved.set(address.text, address);
    }
  }
}
