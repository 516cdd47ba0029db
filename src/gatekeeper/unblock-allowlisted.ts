/**
 * Lifts blocks of addresses that are allowlisted.
 *
 * A block that a server does not let go of stays in force there and is trouble; rater itself lets
 * the client in, and `retry` tries again.
 */

import type { BlockKeeper } from '../blocks/block-keeper.ts';
import type { Block } from '../core/block.ts';
import type { Health } from '../health/health.ts';
import { rater } from '../history/history.ts';
import { Fault } from '../runtime/errors.ts';
import type { Allowlist } from './allowlist.ts';

/** What was lifted, and the first reason why a block was not. */
export type UnblockedAllowlisted = { readonly lifted: Block[]; readonly fault: Fault | undefined };

export class UnblockAllowlisted {
  readonly #blocks: BlockKeeper;
  readonly #allowlist: Allowlist;
  readonly #health: Health;
  readonly #onLifted: (block: Block) => void;

  constructor(
    blocks: BlockKeeper,
    allowlist: Allowlist,
    health: Health,
    onLifted: (block: Block) => void,
  ) {
    this.#blocks = blocks;
    this.#allowlist = allowlist;
    this.#health = health;
    this.#onLifted = onLifted;
  }

  /** Lifts the blocks of all allowlisted addresses; `by` is who allowlisted one. */
  run(by = rater): UnblockedAllowlisted {
    const lifted: Block[] = [];
    let fault: Fault | undefined;
    for (const block of this.#blocks.all((each) => this.#isFor(each))) {
      const failed = this.#lift(block, by);
      fault ??= failed;
      if (!failed) lifted.push(block);
    }
    if (fault) this.#health.note('allowlist', 'allowlist', fault.detail);
    else this.#health.ended('allowlist', 'allowlist');
    return { lifted, fault };
  }

  /** Runs again if a server did not let go of all of them. */
  retry(): void {
    if (this.#health.trouble('allowlist')) this.run();
  }

  /** Lifts this block if its address is allowlisted. */
  runOn(block: Block): void {
    if (this.#isFor(block)) this.#lift(block, rater);
  }

  #isFor({ address }: Block): boolean {
    return this.#allowlist.entryFor(address) !== undefined;
  }

  /** Returns why a server did not let go; that is logged already. */
  #lift(block: Block, by: string): Fault | undefined {
    try {
      this.#blocks.lift(block.address, by, 'allowlisted');
      this.#onLifted(block);
      return undefined;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return error;
    }
  }
}
