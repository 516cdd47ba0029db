/**
 * All enforcers as one. Trouble with one of them stops nothing: it is logged once, and the enforcer
 * counts as one that may lack a block until somebody makes it agree again.
 */

import type { Address } from '../core/address.ts';
import type { Block } from '../core/block.ts';
import type { Enforcer, EntryOwner, Imposed } from '../enforcers/enforcer.ts';
import type { Health } from '../health/health.ts';

/** What became of a block at a server; `why` it failed. */
export type Fate = {
  readonly enforcer: string;
  readonly became: Imposed | 'failed';
  readonly why: string | undefined;
};

export class Enforcement {
  readonly enforcers: readonly Enforcer[];
  readonly #health: Health;
  /** Enforcers that may lack a block. */
  readonly #disagreeing = new Set<Enforcer>();

  constructor(enforcers: readonly Enforcer[], health: Health) {
    this.enforcers = enforcers;
    this.#health = health;
  }

  /** Puts the block in force everywhere; what became of it, one answer for each enforcer. */
  impose(block: Block): Fate[] {
    return this.enforcers.map((enforcer) => {
      const { name } = enforcer;
      const became = this.try(enforcer, () => enforcer.impose(block)) ?? 'failed';
      const why = became === 'failed' ? this.#health.trouble('server', name)?.what : undefined;
      return { enforcer: name, became, why };
    });
  }

  /** The enforcers whose servers have no way to refuse exactly this address or network. */
  unable(address: Address): string[] {
    return this.enforcers.filter((each) => !each.canRefuse(address)).map(({ name }) => name);
  }

  /** Has every enforcer let go; says whether all did. */
  release(block: Block): boolean {
    const released = this.enforcers.map((enforcer) => {
      return this.try(enforcer, () => enforcer.lift(block)) !== undefined;
    });
    return released.every((done) => done);
  }

  /** Does `work` with the enforcer; undefined when that fails. */
  try<T>(enforcer: Enforcer, work: () => T): T | undefined {
    const done = this.#health.attempt('server', enforcer.name, work);
    if (this.#health.trouble('server', enforcer.name)) this.#disagreeing.add(enforcer);
    return done;
  }

  /** Does the last step that makes the enforcer agree with all blocks; success ends its trouble. */
  agree(enforcer: Enforcer, work: () => void): void {
    this.#health.try('server', enforcer.name, work);
    if (this.#health.trouble('server', enforcer.name)) this.#disagreeing.add(enforcer);
  }

  /** Those that may lack a block; the caller must make them agree. */
  takeDisagreeing(): Enforcer[] {
    const taken = [...this.#disagreeing];
    this.#disagreeing.clear();
    return taken;
  }

  /** What each server would do with the address by its own entries; our `block` covers it. */
  entryOwners(
    address: Address,
    block: Block | undefined,
  ): { readonly enforcer: string; readonly owner: EntryOwner }[] {
    return this.enforcers.map((enforcer) => {
      return { enforcer: enforcer.name, owner: enforcer.entryOwner(address, block) };
    });
  }

  /** Resolves when all that is pending is in force or has failed. */
  async settle(): Promise<void> {
    for (const enforcer of this.enforcers) {
      try {
        await enforcer.rebuild?.settle();
      } catch (error) {
        this.try(enforcer, () => {
          throw error;
        });
      }
    }
  }

  /** The servers whose last rebuild failed, and why. */
  unbuilt(): { readonly part: string; readonly why: string }[] {
    return this.enforcers.flatMap(({ name, rebuild }) => {
      return rebuild?.trouble === undefined ? [] : { part: name, why: rebuild.trouble };
    });
  }

  /** How long the oldest change has waited, by each server that is rebuilt. */
  lags(): { readonly enforcer: string; readonly lagMs: number }[] {
    return this.enforcers.flatMap(({ name, rebuild }) => {
      return rebuild ? [{ enforcer: name, lagMs: rebuild.lagMs }] : [];
    });
  }

  close(): void {
    for (const enforcer of this.enforcers) this.try(enforcer, () => enforcer.close());
  }
}
