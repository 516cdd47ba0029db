/**
 * The blocks in memory and in the store, and which of them ends next.
 *
 * Guarantee: what the store failed to take or remove is kept in memory, and `committingLate` tries
 * again. It also writes blocks that were moved in time, which all at once would take too long.
 */

import type { Address } from '../core/address.ts';
import type { Block, NewBlock } from '../core/block.ts';
import { ExpiryQueue } from '../core/expiry-queue.ts';
import type { Offences } from '../core/penalty.ts';
import { PrefixMap } from '../core/prefix-map.ts';
import type { Health } from '../health/health.ts';
import type { Store } from '../store/store.ts';

/** How many lifted or replaced blocks the queue may hold beyond the number of blocks. */
const idleEnds = 1000;

/** The names of trouble with writing to the store. */
const mode = 'database';
const part = 'store';

export class RememberedBlocks {
  readonly index = new PrefixMap<Block>();
  readonly #ends = new ExpiryQueue<Block>();
  readonly #store: Store;
  readonly #health: Health;
  /** Blocks that the store has yet to take. */
  readonly #uncommitted = new Map<string, NewBlock>();
  /** Blocks that the store has yet to remove. */
  readonly #unremoved = new Map<string, Address>();
  /** Blocks that are over but that a server still obeys. */
  readonly #stuck = new Map<string, Block>();
  /** The ends that moved blocks still have in the servers' files, wall milliseconds. */
  readonly #moved = new Map<string, number>();

  constructor(store: Store, health: Health) {
    this.#store = store;
    this.#health = health;
    const blocks = store.all();
    for (const block of blocks) this.index.set(block);
    this.#ends.reset(blocks);
  }

  /** Remembers the block, replacing an earlier one of its address. */
  add(block: NewBlock): Block {
    const { text } = block.address;
    this.#unremoved.delete(text);
    this.#stuck.delete(text);
    const added = this.#commit(block);
    this.#ends.add(added);
    if (this.#ends.size > 2 * this.index.size + idleEnds) this.#ends.reset(this.index.values());
    return added;
  }

  /** Tries again what the store failed to do, and yields each block that it takes. */
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
      // The others would wait for the database as long as this one did.
      if (this.#uncommitted.has(text)) break;
      yield added;
    }
  }

  /** Moves every block by as much as the date was set. */
  moveAll(ms: number): void {
    for (const block of [...this.index.values()]) this.#move(block, block.sinceMs + ms);
    this.#ends.reset(this.index.values());
  }

  /** Moves a block in time to begin at `sinceMs`. */
  moveTo(block: Block, sinceMs: number): Block {
    const moved = this.#move(block, sinceMs);
    this.#ends.add(moved);
    return moved;
  }

  /** Moved blocks whose new end a server may not know yet. */
  moved(): Block[] {
    return [...this.index.values()].filter((block) => this.isMoved(block));
  }

  isMoved({ address }: Block): boolean {
    return this.#moved.has(address.text);
  }

  /** To be called when every server knows the block's end. */
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

  /** Has a block that is over refuse nobody, and remembers it until it is removed. */
  setAside(block: Block): void {
    this.#uncommitted.delete(block.address.text);
    this.#moved.delete(block.address.text);
    this.index.delete(block.address);
    this.#stuck.set(block.address.text, block);
  }

  /** The blocks set aside. */
  stuck(): Block[] {
    return [...this.#stuck.values()];
  }

  /** When the next block ends, wall milliseconds, or undefined. */
  nextEndMs(): number | undefined {
    return this.#next()?.untilMs;
  }

  /** The next block that is over, each once; the caller must remove it or set it aside. */
  takeExpired(nowMs: number): Block | undefined {
    const block = this.#next();
    if (!block || block.untilMs > nowMs) return undefined;
    return this.#ends.takeFirst();
  }

  /** Forgets the oldest offences beyond `kept`, at most `max`; says how many. */
  forgetOffences(kept: number, max: number): number {
    const work = () => this.#store.forgetOffences(kept, max);
    return this.#health.attempt(mode, part, work) ?? 0;
  }

  /** Why the store lacks something; undefined: it does not. */
  get whyUnwritten(): string | undefined {
    return (this.#health.trouble('driver', 'database') ?? this.#health.trouble(mode, part))?.what;
  }

  /** What is remembered of the address; nothing when the store cannot tell. */
  offences(address: Address): Offences {
    return this.#read(() => this.#store.offences(address)) ?? { times: 0, lastMs: 0 };
  }

  /** Tries again what the store failed to do, now. */
  commitLate(): void {
    for (const _ of this.committingLate());
  }

  #write<T>(work: () => T): T | undefined {
    return this.#health.try(mode, part, work);
  }

  /** Reading may work while writing fails, so it is a part of its own. */
  #read<T>(work: () => T): T | undefined {
    return this.#health.try(mode, 'store (reading)', work);
  }

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
    // Set again to go behind the others: a block that is never taken must not hold them up.
    this.#uncommitted.delete(text);
    if (!committed) this.#uncommitted.set(text, block);
    const replaced = this.#moved.get(text) ?? committed?.replacedUntilMs ?? this.#endBefore(block);
    const added = { ...block, replacedUntilMs: replaced };
    this.index.set(added);
    return added;
  }

  /** The end that the block's file may still have, 0 if none. */
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
    // With nothing to remove nothing was written, which proves nothing.
    if (removed) this.#health.worked(mode, part);
    for (const address of addresses) {
      if (removed !== undefined) this.#unremoved.delete(address.text);
      else this.#unremoved.set(address.text, address);
    }
  }
}
