/**
 * The blocks in memory and in the store, and what ends next.
 *
 * Guarantee: what the store would not take or remove is kept in memory, and `committingLate` tries
 * again. The same holds for blocks that are moved in time, which costs the store too much at once.
 */

import type { Address } from '../core/address.ts';
import type { Block, NewBlock } from '../core/block.ts';
import { ExpiryQueue } from '../core/expiry-queue.ts';
import type { Offences } from '../core/penalty.ts';
import { PrefixMap } from '../core/prefix-map.ts';
import type { Health } from '../health/health.ts';
import type { Store } from '../store/store.ts';

/** How many blocks that are no more may wait for their end, beyond as many as there are blocks. */
const idleEnds = 1000;

/** How trouble with writing to the store is called. */
const mode = 'database';
const part = 'store';

export class RememberedBlocks {
  readonly index = new PrefixMap<Block>();
  readonly #ends = new ExpiryQueue<Block>();
  readonly #store: Store;
  readonly #health: Health;
  /** Blocks that the store would not take. */
  readonly #uncommitted = new Map<string, NewBlock>();
  /** Blocks that the store would not remove. */
  readonly #unremoved = new Map<string, Address>();
  /** Blocks that are over, of which a server would not let go. */
  readonly #stuck = new Map<string, Block>();
  /** Of blocks that were moved in time: the end that their traces at the servers still have. */
  readonly #moved = new Map<string, number>();

  constructor(store: Store, health: Health) {
    this.#store = store;
    this.#health = health;
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

  /** Tries again what the store would not do, and yields each block that it takes. */
  *committingLate(): Generator<Block, void> {
    yield* this.#committing();
    if (this.#unremoved.size > 0) this.#removeFromStore([...this.#unremoved.values()]);
    if (!this.#health.trouble(mode, part)) return;
    this.#write(() => this.#store.tryWriting());
    if (!this.#health.trouble(mode, part)) yield* this.#committing();
  }

  *#committing(): Generator<Block, void> {
    for (const text of [...this.#uncommitted.keys()]) {
      const block = this.#uncommitted.get(text);
      if (!block) continue;
      const added = this.add(block);
      // The others would have to wait for the database as long as this one.
      if (this.#uncommitted.has(text)) break;
      yield added;
    }
  }

  /** Moves every block in time, as the date was. */
  moveAll(ms: number): void {
    for (const block of [...this.index.values()]) this.#move(block, block.sinceMs + ms);
    this.#ends.reset(this.index.values());
  }

  /** Moves a block in time, to begin then. */
  moveTo(block: Block, sinceMs: number): Block {
    const moved = this.#move(block, sinceMs);
    this.#ends.add(moved);
    return moved;
  }

  /** Those that were moved, and of which a server may not know yet. */
  moved(): Block[] {
    return [...this.index.values()].filter((block) => this.isMoved(block));
  }

  isMoved({ address }: Block): boolean {
    return this.#moved.has(address.text);
  }

  /** Every server knows the block's end. */
  hasArrived({ address }: Block): void {
    this.#moved.delete(address.text);
  }

  remove(blocks: readonly Block[]): void {
    for (const { address } of blocks) {
      this.#uncommitted.delete(address.text);
      this.#stuck.delete(address.text);
      this.#moved.delete(address.text);
      this.index.delete(address);
    }
    this.#removeFromStore(blocks.map(({ address }) => address));
  }

  /** Refuses nobody any more by a block that is over, and remembers it until it is removed. */
  setAside(block: Block): void {
    this.#uncommitted.delete(block.address.text);
    this.#moved.delete(block.address.text);
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
  takeExpired(nowMs: number): Block | undefined {
    const block = this.#next();
    if (!block || block.untilMs > nowMs) return undefined;
    return this.#ends.takeFirst();
  }

  /** Forgets the oldest offences beyond `kept`, at most `most`; says how many. */
  forgetOffences(kept: number, most: number): number {
    const work = () => this.#store.forgetOffences(kept, most);
    return this.#health.attempt(mode, part, work) ?? 0;
  }

  /** Why the store lacks something; undefined: it does not. */
  get whyUnwritten(): string | undefined {
    return this.#health.trouble(mode, part)?.what;
  }

  /** What is remembered of the address; nothing when the store cannot tell. */
  offences(address: Address): Offences {
    return this.#read(() => this.#store.offences(address)) ?? { times: 0, lastMs: 0 };
  }

  close(): void {
    for (const _ of this.committingLate());
    this.#store.close();
  }

  #write<T>(work: () => T): T | undefined {
    return this.#health.try(mode, part, work);
  }

  /** Reading may work while nothing can be written, so it is a part of its own. */
  #read<T>(work: () => T): T | undefined {
    return this.#health.try(mode, 'store (reading)', work);
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
    const { text } = block.address;
    // Behind the others, so that one that is never taken keeps none of them waiting.
    this.#uncommitted.delete(text);
    if (!committed) this.#uncommitted.set(text, block);
    const replaced = this.#moved.get(text) ?? committed?.replacedUntilMs ?? this.#endBefore(block);
    const added = { ...block, replacedUntilMs: replaced };
    this.index.set(added);
    return added;
  }

  /** The end that the block's file may still have. */
  #endBefore(block: NewBlock): number {
    const before = this.index.get(block.address);
    if (!before) return 0;
    return before.untilMs === block.untilMs ? before.replacedUntilMs : before.untilMs;
  }

  #move(block: Block, sinceMs: number): Block {
    const { text } = block.address;
    const untilMs = sinceMs + block.untilMs - block.sinceMs;
    const replacedUntilMs = this.#moved.get(text) ?? block.untilMs;
    const moved = { ...block, sinceMs, untilMs, replacedUntilMs };
    this.#moved.set(text, replacedUntilMs);
    this.#uncommitted.set(text, moved);
    this.index.set(moved);
    return moved;
  }

  #removeFromStore(addresses: readonly Address[]): void {
    const removed = this.#health.attempt(mode, part, () => this.#store.removeAll(addresses));
    // Where there was nothing to remove, nothing was written.
    if (removed) this.#health.worked(mode, part);
    for (const address of addresses) {
      if (removed !== undefined) this.#unremoved.delete(address.text);
      else this.#unremoved.set(address.text, address);
    }
  }
}
