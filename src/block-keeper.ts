/**
 * Keeps blocks: in the store, in force in every enforcer, and at hand in memory.
 *
 * Guarantee: `impose` returns after the block is committed to the store and then put in force.
 * Guarantee: trouble with the store or an enforcer loses no block and lets none last longer: what the
 * store would not take, be it a block or its end, is kept in memory, and `tend` tries again. A block leaves the store only after every enforcer has let go of it, so a
 * crash or a failure in between leaves nothing that nobody remembers to remove.
 * Guarantee: an entry that somebody took from a server while we run is an unblock; one that was lost
 * is put back; one of ours that nobody remembers is a block again, or removed when it is over.
 * Guarantee: what takes long is done in steps, between which the caller may do other things.
 * Guarantee: a limit that is exceeded makes no block more than `maxBlocks`; an operator may.
 */
import type { Clock } from './clock.ts';
import type { Settings } from './config/config.ts';
import type { Address } from './core/address.ts';
import { BlockIndex } from './core/block-index.ts';
import type { Offences } from './core/penalty.ts';
import type { Enforcer, Finding, Scope, Standing } from './enforcers/enforcer.ts';
import { Fault } from './errors.ts';
import type { Fields, Log } from './log.ts';
import { RareLog } from './rare-log.ts';
import type { Block, NewBlock, Store } from './store/store.ts';
import { Troubles } from './troubles.ts';

export type BlockKeeperParts = {
  readonly config: { readonly settings: Pick<Settings, 'maxBlocks'> };
  readonly store: Store;
  readonly enforcers: readonly Enforcer[];
  readonly log: Log;
  readonly clock: Clock;
  /** Called for each block that has ended or was lifted. */
  readonly onEnd: (block: Block) => void;
};

/** Why an address is blocked. */
export type Cause = Pick<
  NewBlock,
  'class' | 'count' | 'limit' | 'seconds' | 'times' | 'source' | 'reason'
>;

export type OperatorsCause = Cause & { readonly source: 'operator' };

/** How many blocks end in one go, so that the event loop stays free. */
const reapSlice = 200;
/** How long the start may look for blocks that the store does not know; the rest is found later. */
const searchMs = 400;
/** A block that is over so soon is not lifted by who removes its entry: that may be tcpsvd -t. */
const endingMs = 1000;

/** What came of comparing an enforcer with the blocks. */
type Differences = { removed: number; missing: number; unknown: number };

export class BlockKeeper {
  readonly troubles: Troubles;
  readonly #parts: BlockKeeperParts;
  readonly #index = new BlockIndex<Block>();
  /** Blocks that the store would not take. */
  readonly #uncommitted = new Map<string, Block>();
  /** Blocks that are over or lifted, and that the store would not forget. */
  readonly #unforgotten = new Map<string, Block>();
  /** Whether the store took what it was told last. */
  #isWritable = true;
  /** Enforcers that may lack a block. */
  readonly #disagreeing = new Set<Enforcer>();
  readonly #rareLog: RareLog;
  #made = 0;
  /** Whether the enforcers have been told all blocks; before that they take no single one. */
  #isStarted = false;

  constructor(parts: BlockKeeperParts) {
    this.#parts = parts;
    this.troubles = new Troubles(parts.log);
    this.#rareLog = new RareLog(parts.log);
    for (const block of parts.store.all()) this.#index.set(block);
  }

  get size(): number {
    return this.#index.size;
  }

  /** How many blocks were imposed since the start. */
  get made(): number {
    return this.#made;
  }

  /** Finds what the store has lost, puts all blocks in force and ends those that are over. */
  start(): void {
    const lastMs = this.#parts.clock.monotonicMs() + searchMs;
    for (const _ of this.reconciling('unknown')) {
      if (this.#parts.clock.monotonicMs() > lastMs) break;
    }
    this.#isStarted = true;
    this.repair();
    while (this.reap().length >= reapSlice);
  }

  /** Makes every enforcer agree with the store, now. */
  repair(): void {
    this.#isStarted = true;
    this.#writeLate();
    for (const enforcer of this.#parts.enforcers) {
      this.#disagreeing.delete(enforcer);
      this.#repairOne(enforcer);
    }
  }

  /**
   * Blocks from now on; an earlier block of the same address is replaced. Undefined when there are
   * so many blocks already that only an operator may add one.
   */
  impose(address: Address, seconds: number, cause: OperatorsCause): Block;
  impose(address: Address, seconds: number, cause: Cause): Block | undefined;
  impose(address: Address, seconds: number, cause: Cause): Block | undefined {
    if (cause.source === 'rate' && this.#isFull(address)) return undefined;
    const sinceMs = this.#parts.clock.wallMs();
    const block = this.#commit({ ...cause, address, sinceMs, untilMs: sinceMs + seconds * 1000 });
    this.#index.set(block);
    this.#made += 1;
    const imposed = this.#parts.enforcers.map((enforcer) => {
      return this.#try(enforcer, () => enforcer.impose(block)) ?? 'failed';
    });
    this.#parts.log.info('blocked', {
      address: address.text,
      class: cause.class,
      rate: cause.source === 'rate' ? `${cause.count}/${cause.limit}` : undefined,
      for: seconds,
      times: block.times,
      source: cause.source,
      reason: cause.reason || undefined,
      enforcers: imposed.join(', ') || undefined,
    });
    return block;
  }

  /**
   * Lifts the block of exactly this address or network; returns it, or undefined.
   * @throws Fault `enforcer` when a server still obeys it: the block then stays as it was.
   */
  lift(address: Address): Block | undefined {
    const block = this.#index.get(address);
    if (!block) return undefined;
    if (!this.#release(block)) {
      throw new Fault('enforcer', `${address.text} stays blocked: ${this.#firstTrouble()}`);
    }
    this.#forget(block, 'unblocked');
    return block;
  }

  /** The block that refuses the address now. One that is over is ended on the spot. */
  active(address: Address): Block | undefined {
    for (let block = this.#index.find(address); block; block = this.#index.find(address)) {
      if (block.untilMs > this.#parts.clock.wallMs()) return block;
      this.#end(block);
    }
    return undefined;
  }

  /** The block that refuses the address now; ends none, for those who only look. */
  covering(address: Address): Block | undefined {
    const nowMs = this.#parts.clock.wallMs();
    return this.#index.find(address, (block) => block.untilMs > nowMs);
  }

  /** Ends blocks that are over, at most a slice of them; returns those it ended. */
  reap(): Block[] {
    const nowMs = this.#parts.clock.wallMs();
    const most = reapSlice + this.#unforgotten.size;
    const stored = this.#read(() => this.#parts.store.expired(nowMs, most));
    // What the store has of the other ones is out of date.
    const current = stored?.filter(({ address }) => !this.#isUnwritten(address.text));
    const known = current ? this.#uncommitted.values() : this.#index.values();
    const others = [...known].filter((block) => block.untilMs <= nowMs).slice(0, reapSlice);
    return [...(current ?? []), ...others].filter((block) => this.#end(block));
  }

  /** Tries again what failed, now. */
  tend(): void {
    for (const _ of this.tending());
  }

  /** Tries again what failed, a step at a time. */
  *tending(): Generator<Block | undefined, void> {
    yield* this.#writingLate();
    for (const enforcer of [...this.#disagreeing]) {
      this.#disagreeing.delete(enforcer);
      if (!enforcer.inspect) this.#repairOne(enforcer);
      else if (yield* this.#inspecting(enforcer, 'all', { removed: 0, missing: 0, unknown: 0 })) {
        this.#try(enforcer, () => enforcer.flush());
      }
    }
  }

  /**
   * Compares what the servers have with what they should have and makes them agree, a step at a
   * time; yields the blocks that it finds.
   */
  *reconciling(scope: Scope): Generator<Block | undefined, void> {
    for (const enforcer of this.#parts.enforcers) {
      const differences: Differences = { removed: 0, missing: 0, unknown: 0 };
      yield* this.#inspecting(enforcer, scope, differences);
      const { removed: unblocked, missing: restored, unknown: found } = differences;
      if (unblocked + restored + found === 0) continue;
      this.#parts.log.info('reconciled', { enforcer: enforcer.name, unblocked, restored, found });
    }
  }

  /** What is remembered of the address; nothing when the store cannot tell. */
  offences(address: Address): Offences {
    return this.#read(() => this.#parts.store.offences(address)) ?? { times: 0, lastMs: 0 };
  }

  /** When the next block ends, wall milliseconds, or undefined: none, or nobody can tell. */
  nextEndMs(): number | undefined {
    if (this.#unforgotten.size > 0) return undefined;
    return this.#read(() => this.#parts.store.nextEndMs());
  }

  /** All blocks, those that end first in front. */
  all(): Block[] {
    return [...this.#index.values()].sort((a, b) => a.untilMs - b.untilMs);
  }

  /** What each server would do with the address by its own entries. */
  standings(address: Address): { readonly enforcer: string; readonly standing: Standing }[] {
    const block = this.#index.find(address);
    return this.#parts.enforcers.map((enforcer) => {
      return { enforcer: enforcer.name, standing: enforcer.standing(address, block) };
    });
  }

  /** What is wrong now: part and sentence. */
  currentTroubles(): Map<string, string> {
    const troubles = new Map(this.troubles.current);
    for (const enforcer of this.#parts.enforcers) {
      const what = enforcer.trouble();
      if (what !== undefined) troubles.set(enforcer.name, what);
    }
    return troubles;
  }

  /** Does what is pending at the enforcers now. */
  flush(): void {
    for (const enforcer of this.#parts.enforcers) this.#try(enforcer, () => enforcer.flush());
  }

  close(): void {
    for (const enforcer of this.#parts.enforcers) this.#try(enforcer, () => enforcer.close());
    this.#writeLate();
    this.#parts.store.close();
  }

  #writeLate(): void {
    for (const _ of this.#writingLate());
  }

  /** Tells the store what it would not take, a step at a time, until it does not take something. */
  *#writingLate(): Generator<undefined, void> {
    for (const block of [...this.#uncommitted.values()]) {
      if (this.#uncommitted.get(block.address.text) !== block) continue;
      const committed = this.#store(block);
      if (!committed) return;
      this.#index.set(committed);
      yield;
    }
    for (const block of [...this.#unforgotten.values()]) {
      if (this.#unforgotten.get(block.address.text) !== block) continue;
      if (!this.#unstore(block)) return;
      yield;
    }
    if (!this.#isWritable) {
      this.#write(() => {
        this.#parts.store.tryWriting();
        return true;
      });
    }
  }

  #repairOne(enforcer: Enforcer): void {
    this.#try(enforcer, () => {
      enforcer.reconcile(this.#current());
      enforcer.flush();
    });
  }

  /** Says whether all went well. */
  *#inspecting(
    enforcer: Enforcer,
    scope: Scope,
    differences: Differences,
  ): Generator<Block | undefined, boolean> {
    const { failures } = this.troubles;
    try {
      for (const finding of enforcer.inspect?.(this.#index, scope) ?? []) {
        yield finding && this.#settle(enforcer, finding, differences);
      }
    } catch (error) {
      this.#try(enforcer, () => {
        throw error;
      });
    }
    return this.troubles.failures === failures;
  }

  /** Acts on what was found; returns the block if there is a new one. */
  #settle(enforcer: Enforcer, finding: Finding, differences: Differences): Block | undefined {
    if (finding.kind === 'replaced') {
      this.#parts.log.warn('replaced', { enforcer: enforcer.name, what: finding.what });
      return undefined;
    }
    const { kind, block } = finding;
    const leftMs = block.untilMs - this.#parts.clock.wallMs();
    if (kind === 'unknown') {
      if (leftMs > 0) {
        differences.unknown += 1;
        return this.#adopt(block);
      }
      const isGone = this.#isStarted
        ? this.#release(block)
        : this.#try(enforcer, () => enforcer.lift(block)) !== undefined;
      if (isGone) this.#forget(block, 'block ended');
    } else if (leftMs > endingMs) {
      if (kind === 'missing') {
        if (this.#try(enforcer, () => enforcer.impose(block))) differences.missing += 1;
      } else if (this.#release(block)) {
        differences.removed += 1;
        this.#forget(block, 'unblocked', { by: 'file removed' });
      }
    }
    return undefined;
  }

  /** Takes a block that an enforcer remembers and the store does not. */
  #adopt(found: NewBlock): Block {
    const block = this.#commit(found);
    this.#index.set(block);
    if (this.#isStarted) {
      for (const enforcer of this.#parts.enforcers) {
        this.#try(enforcer, () => enforcer.impose(block));
      }
    }
    return block;
  }

  /** Whether there is no room for a block of an address that has none. */
  #isFull(address: Address): boolean {
    const { maxBlocks } = this.#parts.config.settings;
    if (this.#index.size < maxBlocks || this.#index.get(address)) return false;
    this.#rareLog.warn('block not made', { address: address.text, blocks: this.#index.size });
    return true;
  }

  /** Commits to the store; on failure the block is kept to be committed later. */
  #commit(block: NewBlock): Block {
    const committed = this.#store(block);
    if (committed) return committed;
    const replacedUntilMs = this.#index.get(block.address)?.untilMs ?? 0;
    const kept = { ...block, replacedUntilMs };
    this.#uncommitted.set(block.address.text, kept);
    return kept;
  }

  #store(block: NewBlock): Block | undefined {
    const committed = this.#write(() => this.#parts.store.add(block));
    if (committed) {
      this.#uncommitted.delete(block.address.text);
      this.#unforgotten.delete(block.address.text);
    }
    return committed;
  }

  /** Says whether the store has nothing of the block any more. */
  #unstore({ address }: Block): boolean {
    // Where there was nothing to remove, nothing was written.
    const removed = this.troubles.look('store', () => [this.#parts.store.remove(address)]);
    if (!removed) this.#isWritable = false;
    else if (removed[0]) this.#write(() => true);
    if (removed) this.#unforgotten.delete(address.text);
    return removed !== undefined;
  }

  /** Ends a block that is over; says whether nothing of it is left. */
  #end(block: Block): boolean {
    if (this.#release(block)) {
      this.#forget(block, 'block ended');
      return true;
    }
    this.#index.delete(block.address);
    return false;
  }

  /** Has every enforcer let go; says whether all did. */
  #release(block: Block): boolean {
    const released = this.#parts.enforcers.map((enforcer) => {
      return this.#try(enforcer, () => enforcer.lift(block)) !== undefined;
    });
    return released.every((done) => done);
  }

  #forget(block: Block, event: string, fields: Fields = {}): void {
    this.#uncommitted.delete(block.address.text);
    if (!this.#unstore(block)) this.#unforgotten.set(block.address.text, block);
    this.#index.delete(block.address);
    this.#parts.onEnd(block);
    const { address, class: name, times } = block;
    this.#parts.log.info(event, { address: address.text, class: name, times, ...fields });
  }

  /** Blocks that are not over. */
  #current(): Block[] {
    const nowMs = this.#parts.clock.wallMs();
    return this.all().filter((block) => block.untilMs > nowMs);
  }

  #firstTrouble(): string {
    return [...this.troubles.current.values()][0] ?? 'unknown trouble';
  }

  #isUnwritten(text: string): boolean {
    return this.#uncommitted.has(text) || this.#unforgotten.has(text);
  }

  #write<T>(work: () => T): T | undefined {
    const done = this.troubles.try('store', work);
    this.#isWritable = done !== undefined;
    return done;
  }

  /** What can be read may still not be written. */
  #read<T>(work: () => T): T | undefined {
    return this.#isWritable ? this.troubles.try('store', work) : this.troubles.look('store', work);
  }

  #try<T>(enforcer: Enforcer, work: () => T): T | undefined {
    const done = this.troubles.try(enforcer.name, work);
    if (this.troubles.current.has(enforcer.name)) this.#disagreeing.add(enforcer);
    return done;
  }
}
