/**
 * Makes the servers and the blocks agree.
 *
 * Guarantee: an entry that somebody removed from a server while we run is an unblock; a lost entry is
 * put back; an orphan becomes a block again, or is removed when it is over.
 * Guarantee: long work is done in steps, between which the caller may do other things.
 */
import type { Block, NewBlock } from '../core/block.ts';
import type { Drift, Enforcer, Scope } from '../enforcers/enforcer.ts';
import type { Health } from '../health/health.ts';
import { Fault } from '../runtime/errors.ts';
import type { Fields, Log } from '../runtime/log.ts';
import type { Work } from '../runtime/work.ts';
import type { Enforcement } from './enforcement.ts';
import type { RememberedBlocks } from './remembered-blocks.ts';

export type ReconciliationParts = {
  readonly blocks: RememberedBlocks;
  readonly enforcement: Enforcement;
  readonly health: Health;
  readonly log: Log;
  /** The wall clock; if it was set, all blocks have been moved along already. */
  readonly nowMs: () => number;
  /** Forgets blocks that every enforcer has let go of, and logs that as `event`. */
  readonly forget: (blocks: readonly Block[], event: BlockEnd, fields?: Fields) => void;
};

/** How a block leaves: lifted, or over. */
export type BlockEnd = 'unblocked' | 'block ended';

/** Gets each block that a server remembered and the store did not. */
export type OnFound = (block: Block) => void;

/** So close to the end of a block, tcpsvd -t may have removed its entry: that is no unblock. */
const endingMs = 1000;

/** The result of comparing an enforcer with the blocks; `isSound`: nothing failed. */
type Comparison = { unblocked: number; restored: number; found: number; isSound: boolean };

/** @throws Fault `enforcer` while a rebuild fails, which the enforcer itself tries again */
function mustBeWithoutTrouble(enforcer: Enforcer): void {
  const what = enforcer.rebuild?.trouble;
  if (what !== undefined) throw new Fault('enforcer', what);
}

export class Reconciliation {
  readonly #parts: ReconciliationParts;
  /** Whether the enforcers have been told all blocks; before that they cannot take single ones. */
  #isStarted = false;

  constructor(parts: ReconciliationParts) {
    this.#parts = parts;
  }

  /**
   * Tells all blocks to those enforcers that cannot take single ones before; the others get them by
   * `reconciling`. Says whether a block was moved in time; `retrying` then tells the store.
   */
  start(): boolean {
    this.#isStarted = true;
    const { enforcement } = this.#parts;
    const isMoved = this.#bringAllBack();
    for (const enforcer of enforcement.enforcers) {
      if (!enforcer.needsAll) continue;
      enforcement.agree(enforcer, () => {
        enforcer.reconcile(this.#current());
        if (enforcer.rebuild?.isMissing) enforcer.rebuild.flush();
      });
    }
    return isMoved;
  }

  /** Makes every enforcer agree with what is remembered, now. */
  repair(): void {
    this.#isStarted = true;
    const { blocks, enforcement } = this.#parts;
    this.#bringAllBack();
    blocks.commitLate();
    enforcement.takeDisagreeing();
    for (const enforcer of enforcement.enforcers) this.#repairOne(enforcer);
    for (const block of blocks.moved()) this.#follow(block);
  }

  /** Tries again what failed. */
  *retrying(onFound: OnFound): Work<void> {
    const { blocks, enforcement, forget } = this.#parts;
    for (const block of blocks.committingLate()) {
      if (blocks.isMoved(block)) this.#follow(block);
      yield;
    }
    for (const block of blocks.stuck()) {
      if (enforcement.release(block)) forget([block], 'block ended');
      yield;
    }
    for (const enforcer of enforcement.takeDisagreeing()) {
      if (!enforcer.inspect) this.#repairOne(enforcer);
      else if ((yield* this.#inspecting(enforcer, 'all', onFound)).isSound) {
        enforcement.agree(enforcer, () => mustBeWithoutTrouble(enforcer));
      }
    }
  }

  /** Compares what the servers have with what they should have and makes them agree. */
  *reconciling(scope: Scope, onFound: OnFound): Work<void> {
    for (const enforcer of this.#parts.enforcement.enforcers) {
      const { unblocked, restored, found } = yield* this.#inspecting(enforcer, scope, onFound);
      if (unblocked + restored + found === 0) continue;
      this.#parts.log.info('reconciled', { enforcer: enforcer.name, unblocked, restored, found });
    }
  }

  #repairOne(enforcer: Enforcer): void {
    this.#parts.enforcement.agree(enforcer, () => {
      enforcer.reconcile(this.#current());
      enforcer.rebuild?.flush();
    });
  }

  /** All blocks that are not over. */
  #current(): Block[] {
    const nowMs = this.#parts.nowMs();
    return [...this.#parts.blocks.index.values()].filter((block) => block.untilMs > nowMs);
  }

  *#inspecting(enforcer: Enforcer, scope: Scope, onFound: OnFound): Work<Comparison> {
    const { blocks, enforcement, health } = this.#parts;
    const failures = () => health.tally('server').count;
    const before = failures();
    const comparison = { unblocked: 0, restored: 0, found: 0 };
    try {
      for (const drift of enforcer.inspect?.(blocks.index, scope) ?? []) {
        if (drift) this.#settle(enforcer, drift, comparison, onFound);
        yield;
      }
    } catch (error) {
      enforcement.try(enforcer, () => {
        throw error;
      });
    }
    return { ...comparison, isSound: failures() === before };
  }

  /** Acts on a drift and counts it. */
  #settle(
    enforcer: Enforcer,
    drift: Drift,
    comparison: Omit<Comparison, 'isSound'>,
    onFound: OnFound,
  ): void {
    const { blocks, enforcement, forget, log } = this.#parts;
    if (drift.kind === 'replaced') {
      log.warn('replaced', { enforcer: enforcer.name, what: drift.what });
      return;
    }
    const { kind, block } = drift;
    const leftMs = block.untilMs - this.#parts.nowMs();
    if (kind === 'orphan' && leftMs > 0) {
      comparison.found += 1;
      onFound(this.#adopt(block));
    } else if (kind === 'orphan') {
      const isGone = this.#isStarted
        ? enforcement.release(block)
        : enforcement.try(enforcer, () => enforcer.lift(block)) !== undefined;
      if (isGone) forget([block], 'block ended');
    } else if (blocks.isMoved(block)) {
      // Its entry has the old end, by which tcpsvd -t may have removed it: that is no unblock.
      this.#follow(blocks.index.get(block.address) ?? block);
    } else if (leftMs > endingMs) {
      if (kind === 'missing') {
        if (enforcement.try(enforcer, () => enforcer.impose(block))) comparison.restored += 1;
      } else if (enforcement.release(block)) {
        comparison.unblocked += 1;
        forget([block], 'unblocked', { by: 'file removed' });
      }
    }
  }

  /** Takes over an orphan's block. */
  #adopt(found: NewBlock): Block {
    const { blocks, enforcement, nowMs } = this.#parts;
    const block = this.#broughtBack(blocks.add(found), nowMs());
    if (this.#isStarted) enforcement.impose(block);
    return block;
  }

  #bringAllBack(): boolean {
    const { blocks, nowMs } = this.#parts;
    const startMs = nowMs();
    let isAny = false;
    for (const block of [...blocks.index.values()]) {
      if (this.#broughtBack(block, startMs) !== block) isAny = true;
    }
    return isAny;
  }

  /**
   * A block that begins in the future, because the date was set back while rater was down, begins
   * now: it lasts at most its full time.
   */
  #broughtBack(block: Block, nowMs: number): Block {
    return block.sinceMs > nowMs ? this.#parts.blocks.moveTo(block, nowMs) : block;
  }

  /** Tells the servers the new end of a moved block. */
  #follow(block: Block): void {
    const { blocks, enforcement } = this.#parts;
    const fates = enforcement.impose(block);
    if (fates.every(({ became }) => became !== 'failed')) blocks.hasArrived(block);
  }
}
