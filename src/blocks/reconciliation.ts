/**
 * Makes the servers and the blocks agree.
 *
 * Guarantee: an entry that somebody took from a server while we run is an unblock; one that was lost
 * is put back; one of ours that nobody remembers is a block again, or removed when it is over.
 * Guarantee: what takes long is done in steps, between which the caller may do other things.
 */
import type { Block, NewBlock } from '../core/block.ts';
import type { Drift, Enforcer, Scope } from '../enforcers/enforcer.ts';
import type { Health } from '../health/health.ts';
import { Fault } from '../runtime/errors.ts';
import type { Fields, Log } from '../runtime/log.ts';
import type { Enforcement } from './enforcement.ts';
import type { RememberedBlocks } from './remembered-blocks.ts';

export type ReconciliationParts = {
  readonly blocks: RememberedBlocks;
  readonly enforcement: Enforcement;
  readonly health: Health;
  readonly log: Log;
  /** The wall clock; all blocks have been moved along when it was set. */
  readonly nowMs: () => number;
  /** Forgets blocks that every enforcer has let go of, and logs that as `event`. */
  readonly forget: (blocks: readonly Block[], event: string, fields?: Fields) => void;
};

/** Steps of long work, and the blocks that are found in it. */
export type Steps = Generator<Block | undefined, void>;

/** A block that is over so soon is not lifted by who removes its entry: that may be tcpsvd -t. */
const endingMs = 1000;

/** What came of comparing an enforcer with the blocks. */
type Differences = { removed: number; missing: number; orphaned: number };

/** What is pending there is tried again by itself. */
function mustBeWithoutTrouble(enforcer: Enforcer): void {
  const what = enforcer.rebuild?.trouble;
  if (what !== undefined) throw new Fault('enforcer', what);
}

export class Reconciliation {
  readonly #parts: ReconciliationParts;
  /** Whether the enforcers have been told all blocks; before that they take no single one. */
  #isStarted = false;

  constructor(parts: ReconciliationParts) {
    this.#parts = parts;
  }

  /**
   * Tells all blocks to those enforcers that take no single one before; the others get them by
   * `reconciling`. Says whether a block was moved in time, of which `retrying` tells the store.
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
    for (const _ of blocks.committingLate());
    enforcement.takeDisagreeing();
    for (const enforcer of enforcement.enforcers) this.#repairOne(enforcer);
    for (const block of blocks.moved()) this.#follow(block);
  }

  /** Tries again what failed, a step at a time. */
  *retrying(): Steps {
    const { blocks, enforcement, forget } = this.#parts;
    for (const block of blocks.committingLate()) {
      if (blocks.isMoved(block)) this.#follow(block);
      yield undefined;
    }
    for (const block of blocks.stuck()) {
      if (enforcement.release(block)) forget([block], 'block ended');
      yield undefined;
    }
    for (const enforcer of enforcement.takeDisagreeing()) {
      if (!enforcer.inspect) this.#repairOne(enforcer);
      else if (yield* this.#inspecting(enforcer, 'all', { removed: 0, missing: 0, orphaned: 0 })) {
        enforcement.agree(enforcer, () => mustBeWithoutTrouble(enforcer));
      }
    }
  }

  /**
   * Compares what the servers have with what they should have and makes them agree, a step at a
   * time; yields the blocks that it finds.
   */
  *reconciling(scope: Scope): Steps {
    for (const enforcer of this.#parts.enforcement.enforcers) {
      const differences: Differences = { removed: 0, missing: 0, orphaned: 0 };
      yield* this.#inspecting(enforcer, scope, differences);
      const { removed: unblocked, missing: restored, orphaned: found } = differences;
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

  /** Says whether all went well. */
  *#inspecting(
    enforcer: Enforcer,
    scope: Scope,
    differences: Differences,
  ): Generator<Block | undefined, boolean> {
    const { blocks, enforcement, health } = this.#parts;
    const failures = () => health.tally('server').count;
    const before = failures();
    try {
      for (const finding of enforcer.inspect?.(blocks.index, scope) ?? []) {
        yield finding && this.#settle(enforcer, finding, differences);
      }
    } catch (error) {
      enforcement.try(enforcer, () => {
        throw error;
      });
    }
    return failures() === before;
  }

  /** Acts on what was found; returns the block if there is a new one. */
  #settle(enforcer: Enforcer, finding: Drift, differences: Differences): Block | undefined {
    const { blocks, enforcement, forget, log } = this.#parts;
    if (finding.kind === 'replaced') {
      log.warn('replaced', { enforcer: enforcer.name, what: finding.what });
      return undefined;
    }
    const { kind, block } = finding;
    const leftMs = block.untilMs - this.#parts.nowMs();
    if (kind === 'orphan') {
      if (leftMs > 0) {
        differences.orphaned += 1;
        return this.#adopt(block);
      }
      const isGone = this.#isStarted
        ? enforcement.release(block)
        : enforcement.try(enforcer, () => enforcer.lift(block)) !== undefined;
      if (isGone) forget([block], 'block ended');
    } else if (blocks.isMoved(block)) {
      // By its old end it is over, for tcpsvd -t as well: who removed it meant no unblock.
      this.#follow(blocks.index.get(block.address) ?? block);
    } else if (leftMs > endingMs) {
      if (kind === 'missing') {
        if (enforcement.try(enforcer, () => enforcer.impose(block))) differences.missing += 1;
      } else if (enforcement.release(block)) {
        differences.removed += 1;
        forget([block], 'unblocked', { by: 'file removed' });
      }
    }
    return undefined;
  }

  /** Takes a block that an enforcer remembers and the store does not. */
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
   * A block that begins only later, because the date was set back when nobody looked, begins now: it
   * lasts at most as long as it was meant to.
   */
  #broughtBack(block: Block, nowMs: number): Block {
    return block.sinceMs > nowMs ? this.#parts.blocks.moveTo(block, nowMs) : block;
  }

  /** Tells the servers the new end of a block that was moved in time. */
  #follow(block: Block): void {
    const { blocks, enforcement } = this.#parts;
    const imposed = enforcement.impose(block);
    if (!imposed.includes('failed')) blocks.hasArrived(block);
  }
}
