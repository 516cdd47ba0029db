/**
 * The store that is forgotten with its process: of `:memory:`, and of a rater without the driver of
 * the database. It keeps every promise of a store but that of surviving a kill.
 */
import type { Address } from '../core/address.ts';
import type { Allowance, Block, NewBlock } from '../core/block.ts';
import type { Offences } from '../core/penalty.ts';
import type { Store } from './store.ts';

export class MemoryStore implements Store {
  readonly #blocks = new Map<string, Block>();
  /** The one added last is at the end. */
  readonly #offences = new Map<string, Offences>();
  readonly #allowances = new Map<string, Allowance>();

  add(block: NewBlock): Block {
    const { text } = block.address;
    this.#offences.delete(text);
    this.#offences.set(text, { times: block.times, lastMs: block.sinceMs });
    const added = { ...block, replacedUntilMs: this.#blocks.get(text)?.untilMs ?? 0 };
    this.#blocks.set(text, added);
    return added;
  }

  removeAll(addresses: readonly Address[]): number {
    return addresses.filter(({ text }) => this.#blocks.delete(text)).length;
  }

  tryWriting(): void {}

  all(): Block[] {
    return [...this.#blocks.values()];
  }

  offences({ text }: Address): Offences {
    return this.#offences.get(text) ?? { times: 0, lastMs: 0 };
  }

  forgetOffences(kept: number, max: number): number {
    const before = this.#offences.size;
    const fewest = Math.max(kept, before - max);
    for (const text of this.#offences.keys()) {
      if (this.#offences.size <= fewest) break;
      if (!this.#blocks.has(text)) this.#offences.delete(text);
    }
    return before - this.#offences.size;
  }

  allow(allowance: Allowance): void {
    this.#allowances.set(allowance.address.text, allowance);
  }

  disallow({ text }: Address): boolean {
    return this.#allowances.delete(text);
  }

  allowances(): Allowance[] {
    return [...this.#allowances.values()];
  }

  close(): void {}
}
