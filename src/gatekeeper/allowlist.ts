/**
 * Who is never refused: entries of the configuration, and those an operator added while the
 * daemon runs, which the store remembers and which may end.
 *
 * Guarantee: asking for an address never fails, and costs one look-up per prefix length in use.
 */

import { type Address, contains, isSingle } from '../core/address.ts';
import type { Allowance } from '../core/block.ts';
import { PrefixMap } from '../core/prefix-map.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Store } from '../store/store.ts';

/** An entry of the allowlist and where it comes from. */
export type AllowEntry = Allowance & { readonly source: 'configuration' | 'operator' };

export class Allowlist {
  readonly #store: Store;
  readonly #clock: Clock;
  #configured = new PrefixMap<AllowEntry>();
  readonly #added = new PrefixMap<AllowEntry>();

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    for (const entry of store.allowances()) this.#added.set({ ...entry, source: 'operator' });
  }

  /** Takes the entries of a configuration; those of operators stay. */
  configure(addresses: readonly Address[]): void {
    const sinceMs = this.#clock.wallMs();
    this.#configured = new PrefixMap();
    for (const address of addresses) {
      const entry = { address, sinceMs, untilMs: undefined, reason: '' };
      this.#configured.set({ ...entry, source: 'configuration' });
    }
  }

  /** Adds an operator's entry; one of the same address is replaced. @throws Fault `store` */
  add(address: Address, seconds: number | undefined, reason: string): void {
    for (const entry of [...this.#added.values()]) {
      if (!this.#isCurrent(entry)) this.remove(entry.address);
    }
    const sinceMs = this.#clock.wallMs();
    const untilMs = seconds === undefined ? undefined : sinceMs + seconds * 1000;
    const allowance = { address, sinceMs, untilMs, reason };
    this.#store.allow(allowance);
    this.#added.set({ ...allowance, source: 'operator' });
  }

  /** Takes an operator's entry back; says whether there was one. @throws Fault `store` */
  remove(address: Address): boolean {
    const entry = this.#added.get(address);
    this.#store.disallow(address);
    this.#added.delete(address);
    return entry !== undefined && this.#isCurrent(entry);
  }

  /** The entry that all of the address lies in. */
  covering(address: Address): AllowEntry | undefined {
    const isCurrent = (entry: AllowEntry) => this.#isCurrent(entry);
    return this.#configured.find(address) ?? this.#added.find(address, isCurrent);
  }

  /** The entry that the address lies in, or that lies in it. */
  entryFor(address: Address): AllowEntry | undefined {
    const covering = this.covering(address);
    if (covering || isSingle(address)) return covering;
    return this.entries().find((entry) => contains(address, entry.address));
  }

  /** Those of the configuration first; what is over is left out. */
  entries(): AllowEntry[] {
    const added = [...this.#added.values()].filter((entry) => this.#isCurrent(entry));
    return [...this.#configured.values(), ...added];
  }

  #isCurrent({ untilMs }: Allowance): boolean {
    return untilMs === undefined || untilMs > this.#clock.wallMs();
  }
}
