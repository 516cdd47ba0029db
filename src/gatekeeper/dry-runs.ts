/**
 * Blocks that a class with `dry_run` would have made: logged and listed, never enforced, and
 * forgotten with the process.
 *
 * Guarantee: at most `max` are kept; one more makes it forget the oldest.
 */

import type { Block } from '../core/block.ts';
import type { Health } from '../health/health.ts';
import type { Clock } from '../runtime/clock.ts';

export class DryRuns {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #health: Health;
  readonly #blocks = new Map<string, Block>();
  /** Since the start: blocks that were only logged, and hits that were only logged and let in. */
  blocksTold = 0;
  refusalsTold = 0;

  constructor(clock: Clock, max: number, health: Health) {
    this.#clock = clock;
    this.#max = max;
    this.#health = health;
  }

  /** Whether the address would be blocked now. */
  has(text: string): boolean {
    const block = this.#blocks.get(text);
    return block !== undefined && block.untilMs > this.#clock.wallMs();
  }

  add(block: Block): void {
    this.blocksTold += 1;
    // Deleted first, because a Map keeps the place of a key that it has.
    this.#blocks.delete(block.address.text);
    this.#blocks.set(block.address.text, block);
    if (this.#blocks.size > this.#max) this.#forgetFirst();
  }

  /** The block that would be in force now for exactly this address or network. */
  get(text: string): Block | undefined {
    return this.has(text) ? this.#blocks.get(text) : undefined;
  }

  /** The blocks that would be in force now, soonest end first. */
  all(): Block[] {
    this.keep(() => true);
    return [...this.#blocks.values()].sort((a, b) => a.untilMs - b.untilMs);
  }

  /** Forgets blocks that are over, and those that are not `wanted`. */
  keep(wanted: (block: Block) => boolean): void {
    for (const [text, block] of this.#blocks) {
      if (!this.has(text) || !wanted(block)) this.#blocks.delete(text);
    }
  }

  #forgetFirst(): void {
    const [text = ''] = this.#blocks.keys();
    if (this.has(text)) this.#health.warn('dry run forgotten', { address: text });
    this.#blocks.delete(text);
  }
}
