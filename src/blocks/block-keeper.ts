/**
 * Keeps blocks: in the store, in force in every enforcer, and at hand in memory.
 *
 * Guarantee: `impose` returns after the block is committed to the store and then put in force.
 * Guarantee: trouble with the store or an enforcer loses no block: it is kept in memory, and
 * `retry` tries again. A block leaves the store only after every enforcer has let go of it, so a
 * crash in between leaves no forgotten entry in a server's files.
 * Guarantee: exceeded limits make at most `maxBlocks` blocks; an operator may add more. Offences of
 * at most `maxHistory` addresses are remembered; forgettingOffences() forgets the others.
 * Guarantee: blocks neither vanish nor become eternal when the date is set: they end when they would
 * have. After a restart a block lasts at most its full time.
 */

import type { Address } from '../core/address.ts';
import type { Block, NewBlock } from '../core/block.ts';
import type { HistoryEventName } from '../core/history-event.ts';
import type { Offences } from '../core/penalty.ts';
import type { Enforcer, EntryOwner, Scope } from '../enforcers/enforcer.ts';
import type { Health } from '../health/health.ts';
import { type History, operator, rater } from '../history/history.ts';
import type { Clock } from '../runtime/clock.ts';
import { Fault } from '../runtime/errors.ts';
import type { Fields, Log } from '../runtime/log.ts';
import { doNow, sliceMs, type Work } from '../runtime/work.ts';
import type { Store } from '../store/store.ts';
import { BlockTally } from './block-tally.ts';
import { ClockSteps } from './clock-steps.ts';
import { Enforcement, type Fate } from './enforcement.ts';
import { type BlockEnd, type OnFound, Reconciliation } from './reconciliation.ts';
import { RememberedBlocks } from './remembered-blocks.ts';

export type BlockKeeperParts = {
  readonly config: {
    readonly settings: { readonly maxBlocks: number; readonly maxHistory: number };
  };
  readonly store: Store;
  readonly enforcers: readonly Enforcer[];
  readonly log: Log;
  readonly health: Health;
  readonly history: History;
  readonly clock: Clock;
  /** Called for each block that has ended or was taken from a server; not for what lift() returns. */
  readonly onEnd: (block: Block) => void;
};

/** Why an address is blocked. */
export type BlockCause = Pick<
  NewBlock,
  'class' | 'count' | 'limit' | 'seconds' | 'times' | 'source' | 'reason'
>;

export type OperatorBlockCause = BlockCause & { readonly source: 'operator' };

/** How long the start may search for blocks that the store lost; the rest is found later. */
const searchMs = 400;

export class BlockKeeper {
  readonly tally = new BlockTally();
  readonly #parts: BlockKeeperParts;
  readonly #blocks: RememberedBlocks;
  readonly #enforcement: Enforcement;
  readonly #reconciliation: Reconciliation;
  readonly #clockSteps: ClockSteps;
  #isBehind = false;

  constructor(parts: BlockKeeperParts) {
    this.#parts = parts;
    this.#blocks = new RememberedBlocks(parts.store, parts.health);
    this.#enforcement = new Enforcement(parts.enforcers, parts.health);
    this.#clockSteps = new ClockSteps(parts.clock, (ms) => this.#followDate(ms));
    this.#reconciliation = new Reconciliation({
      blocks: this.#blocks,
      enforcement: this.#enforcement,
      health: parts.health,
      log: parts.log,
      nowMs: () => this.#clockSteps.nowMs(),
      forget: (blocks, event, fields) => this.#end(blocks, event, fields),
    });
  }

  get size(): number {
    return this.#blocks.index.size;
  }

  /** Whether blocks were moved in time and `retrying` has yet to tell store and servers. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /**
   * Does what must precede the first answer: from then on every block is known. All are in force
   * after a pass of `reconciling('all')`.
   */
  start(): void {
    if (this.size === 0) this.#searchLost();
    if (this.#reconciliation.start()) this.#isBehind = true;
    this.reap();
  }

  /** Makes every enforcer agree with the store, now. */
  repair(): void {
    this.#reconciliation.repair();
  }

  /**
   * Blocks from now on; an earlier block of the same address is replaced. Undefined when there is
   * room only for blocks of an operator. `by` is who wanted it.
   */
  impose(address: Address, seconds: number, cause: OperatorBlockCause, by?: string): Block;
  impose(address: Address, seconds: number, cause: BlockCause): Block | undefined;
  impose(
    address: Address,
    seconds: number,
    cause: BlockCause,
    by = cause.source === 'rate' ? rater : operator,
  ): Block | undefined {
    if (cause.source === 'rate' && this.#isFull(address)) return undefined;
    const sinceMs = this.#clockSteps.nowMs();
    const untilMs = sinceMs + seconds * 1000;
    const block = this.#blocks.add({ ...cause, address, sinceMs, untilMs });
    this.tally.noteMade(cause.source, seconds);
    const fates = this.#enforcement.impose(block);
    if (fates.every(({ became }) => became !== 'failed')) this.#blocks.hasArrived(block);
    this.#parts.log.info('blocked', {
      address: address.text,
      class: cause.class,
      rate: cause.source === 'rate' ? `${cause.count}/${cause.limit}` : undefined,
      for: seconds,
      times: block.times,
      source: cause.source,
      reason: cause.reason || undefined,
      enforcers: fates.map(({ became }) => became).join(', ') || undefined,
    });
    this.#note('blocked', block, by, untilMs - sinceMs, cause.reason);
    return block;
  }

  /**
   * What has become of the block of exactly this address at each server, by another try where it is
   * not in force; nothing when there is no such block any more.
   */
  fates(address: Address): Fate[] {
    const block = this.#blocks.index.get(address);
    return block ? this.#enforcement.impose(block) : [];
  }

  /**
   * Lifts the block of exactly this address or network; returns it, or undefined. `by` is who wanted
   * that, and why. @throws Fault `enforcer` when a server still obeys it: the block then stays as it was.
   */
  lift(address: Address, by = operator, reason = ''): Block | undefined {
    const block = this.#blocks.index.get(address);
    if (!block) return undefined;
    if (!this.#enforcement.release(block)) {
      throw new Fault(
        'enforcer',
        `${address.text} stays blocked: ${this.#parts.health.trouble('server')?.what}`,
      );
    }
    this.#forget([block], 'unblocked', { by, reason: reason || undefined });
    return block;
  }

  /** The block that refuses the address now. Ends those of them that are over. */
  active(address: Address): Block | undefined {
    const { index } = this.#blocks;
    if (!index.find(address)) return undefined;
    const nowMs = this.#clockSteps.nowMs();
    for (let block = index.find(address); block; block = index.find(address)) {
      if (block.untilMs > nowMs) return block;
      if (this.#letGo(block)) this.#end([block], 'block ended');
    }
    return undefined;
  }

  /** Whether a block, over or not, covers the IPv4 address with these bits. */
  mayRefuseIPv4(bits: number): boolean {
    return this.#blocks.index.coversIPv4(bits);
  }

  /** The block that refuses the address now; changes nothing. */
  covering(address: Address): Block | undefined {
    const nowMs = this.#clockSteps.nowMs();
    return this.#blocks.index.find(address, (block) => block.untilMs > nowMs);
  }

  /**
   * Ends blocks that are over, for a slice of time, and returns them. The store removes them in one
   * commit after every enforcer has let go of them.
   */
  reap(): Block[] {
    const { clock } = this.#parts;
    const [nowMs, lastMs] = [this.#clockSteps.nowMs(), clock.monotonicMs() + sliceMs];
    const ended: Block[] = [];
    while (clock.monotonicMs() <= lastMs) {
      const block = this.#blocks.takeExpired(nowMs);
      if (!block) break;
      if (this.#letGo(block)) ended.push(block);
    }
    if (ended.length > 0) this.#end(ended, 'block ended');
    return ended;
  }

  /** Ends all blocks that are over, and returns them. */
  *reaping(): Work<Block[]> {
    const ended: Block[] = [];
    for (let some = this.reap(); some.length > 0; some = this.reap()) {
      ended.push(...some);
      yield;
    }
    return ended;
  }

  /** Tries again what failed, now. */
  retry(): void {
    doNow(this.retrying());
  }

  /** Tries again what failed. */
  retrying(onFound: OnFound = () => {}): Work<void> {
    this.#isBehind = false;
    return this.#reconciliation.retrying(onFound);
  }

  /** Compares what the servers have with what they should have and makes them agree. */
  reconciling(scope: Scope, onFound: OnFound = () => {}): Work<void> {
    return this.#reconciliation.reconciling(scope, onFound);
  }

  /** The offences remembered of the address; none when the store cannot tell. */
  offences(address: Address): Offences {
    return this.#blocks.offences(address);
  }

  /** When the next block ends, wall milliseconds, or undefined. */
  nextEndMs(): number | undefined {
    return this.#blocks.nextEndMs();
  }

  /** All wanted blocks, soonest end first. */
  all(isWanted: (block: Block) => boolean = () => true): Block[] {
    const wanted = [...this.#blocks.index.values()].filter(isWanted);
    return wanted.sort((a, b) => a.untilMs - b.untilMs);
  }

  /** Every block, in no order; blocks may be made and ended meanwhile. */
  values(): IterableIterator<Block> {
    return this.#blocks.index.values();
  }

  /** The enforcers that cannot express a block of it: rater alone refuses there. */
  unable(address: Address): string[] {
    return this.#enforcement.unable(address);
  }

  /** What each server would do with the address by its own entries. */
  entryOwners(address: Address): { readonly enforcer: string; readonly owner: EntryOwner }[] {
    return this.#enforcement.entryOwners(address, this.#blocks.index.find(address));
  }

  /** Whether the store or a server is in trouble now. */
  get isInTrouble(): boolean {
    const { health } = this.#parts;
    return (['database', 'server', 'cdb'] as const).some((mode) => health.trouble(mode));
  }

  /** What of all changes is not done, and why: by servers that are rebuilt, and by the database. */
  undone(): { readonly part: string; readonly why: string }[] {
    const unwritten = this.#blocks.whyUnwritten;
    const inDatabase = unwritten === undefined ? [] : [{ part: 'database', why: unwritten }];
    return [...this.#enforcement.unbuilt(), ...inDatabase];
  }

  /** How long the oldest change has waited, by each server that is rebuilt; 0: none waits. */
  lags(): { readonly enforcer: string; readonly lagMs: number }[] {
    return this.#enforcement.lags();
  }

  /** How many blocks are over of which a server has not let go. */
  get stuck(): number {
    return this.#blocks.stuck().length;
  }

  /** Resolves when what is pending at the enforcers is in force, or cannot be. */
  settle(): Promise<void> {
    return this.#enforcement.settle();
  }

  close(): void {
    this.#enforcement.close();
    this.#blocks.commitLate();
    this.#parts.history.close();
    this.#parts.store.close();
  }

  /** Forgets old offences beyond `maxHistory`, `atOnce` in a step. */
  *forgettingOffences(atOnce: number): Work<void> {
    const { maxHistory } = this.#parts.config.settings;
    for (;;) {
      const forgotten = this.#blocks.forgetOffences(maxHistory, atOnce);
      for (let logged = 0; logged < forgotten; logged += 1)
        this.#parts.health.warn('offence forgotten');
      if (forgotten < atOnce) return;
      yield;
    }
  }

  /** Finds blocks of a lost store, as far as the time allows. */
  #searchLost(): void {
    const lastMs = this.#parts.clock.monotonicMs() + searchMs;
    for (const _ of this.reconciling('orphans')) {
      if (this.#parts.clock.monotonicMs() > lastMs) break;
    }
  }

  /** Moves the blocks in time at once; store and servers follow by `retrying`. */
  #followDate(ms: number): void {
    this.#blocks.moveAll(ms);
    this.#isBehind = true;
    const seconds = Math.round(ms / 1000);
    this.#parts.log.warn('clock set', { seconds, blocks: this.size });
    this.#parts.history.note({ event: 'clock set', reason: `by ${seconds} seconds` });
  }

  /** Whether there is no room for a block of this address. */
  #isFull(address: Address): boolean {
    const { maxBlocks } = this.#parts.config.settings;
    if (this.size < maxBlocks || this.#blocks.index.get(address)) return false;
    this.#parts.health.warn('block not made', { address: address.text, blocks: this.size });
    return true;
  }

  /** Has every server let go of a block that is over; where that fails, `retry` tries again. */
  #letGo(block: Block): boolean {
    const isReleased = this.#enforcement.release(block);
    if (!isReleased) this.#blocks.setAside(block);
    return isReleased;
  }

  #end(blocks: readonly Block[], event: BlockEnd, fields?: Fields): void {
    this.#forget(blocks, event, fields);
    for (const block of blocks) this.#parts.onEnd(block);
  }

  #forget(blocks: readonly Block[], event: BlockEnd, fields: Fields = {}): void {
    this.#blocks.remove(blocks);
    const nowMs = this.#parts.clock.wallMs();
    const { by = rater, reason = '' } = fields;
    const lifted = by === 'file removed' ? by : 'unblocked';
    this.tally.noteEnded(event === 'block ended' ? 'over' : lifted, blocks.length);
    for (const block of blocks) {
      const { address, class: name, times, sinceMs, untilMs } = block;
      this.#parts.log.info(event, { address: address.text, class: name, times, ...fields });
      this.#note(event, block, String(by), Math.min(nowMs, untilMs) - sinceMs, String(reason));
    }
  }

  #note(event: HistoryEventName, block: Block, by: string, forMs: number, reason: string): void {
    const { address, class: name, count, limit, seconds, times } = block;
    const numbers = { count, limit, seconds, times, forMs };
    const { history } = this.#parts;
    history.note({ event, class: name, value: address.text, by, reason, ...numbers });
  }
}
