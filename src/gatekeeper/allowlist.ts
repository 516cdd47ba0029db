/**
 * The addresses that are never refused: entries of the configuration, and those an operator added
 * while the daemon runs, which the store remembers and which may end.
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

  /** Takes the entries of a configuration; operators' entries stay. */
  configure(addresses: readonly Address[]): void {
    const sinceMs = this.#clock.wallMs();
    this.#configured = new PrefixMap();
    for (const address of addresses) {
      const entry = { address, sinceMs, untilMs: undefined, reason: '' };
      this.#configured.set({ ...entry, source: 'configuration' });
    }
  }

  /** Adds an operator's entry, replacing one of the same address. @throws Fault `store` */
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

  /** Removes an operator's entry; says whether there was one. @throws Fault `store` */
  remove(address: Address): boolean {
    const entry = this.#added.get(address);
    this.#store.disallow(address);
    this.#added.delete(address);
    return entry !== undefined && this.#isCurrent(entry);
  }

  /** The entry that covers all of the address or network. */
  covering(address: Address): AllowEntry | undefined {
    const isCurrent = (entry: AllowEntry) => this.#isCurrent(entry);
    return this.#configured.find(address) ?? this.#added.find(address, isCurrent);
  }

  /** Whether an entry, current or not, covers the IPv4 address with these bits. */
  mayCoverIPv4(bits: number): boolean {
    return this.#configured.coversIPv4(bits) || this.#added.coversIPv4(bits);
  }

  /** An entry that covers the address or network, or lies in it. */
  entryFor(address: Address): AllowEntry | undefined {
    const covering = this.covering(address);
    if (covering || isSingle(address)) return covering;
    return this.entries().find((entry) => contains(address, entry.address));
  }

  /** The current entries, those of the configuration first. */
  entries(): AllowEntry[] {
    const added = [...this.#added.values()].filter((entry) => this.#isCurrent(entry));
    return [...this.#configured.values(), ...added];
  }

  #isCurrent({ untilMs }: Allowance): boolean {
    return untilMs === undefined || untilMs > this.#clock.wallMs();
  }
}
