/**
 * The classes of one configuration: under which key a value is counted, and by which limit.
 */
import type { Config, LimitClass } from '../config/config.ts';
import { type Address, bitsOf, isNat64, networkOf } from '../core/address.ts';
import { fold } from '../core/fold.ts';
import { LimitIndex } from '../core/limit-index.ts';
import type { Limit, Rate } from '../core/limits.ts';
import type { CounterKey } from '../counters/counters.ts';

/** One class's share in a request. */
export type Target = {
  readonly known: LimitClass;
  readonly key: CounterKey;
  /** The network by which the class counts an address; undefined for other values. */
  readonly network: Address | undefined;
  /** Undefined when unlimited. */
  readonly limit: Limit | undefined;
  readonly rates: readonly Rate[];
};

/** Bits of an IPv6 address in front of the IPv4 address in it. */
const bitsBeforeIPv4 = 96;

/** The network by which a class counts the address: one of NAT64 by that of its IPv4 address. */
export function countedNetwork({ prefix4, prefix6 }: LimitClass, address: Address): Address {
  if (address.family === 4) return networkOf(address, prefix4);
  return networkOf(address, isNat64(address) ? bitsBeforeIPv4 + prefix4 : prefix6);
}

export class ClassTable {
  readonly #classes: ReadonlyMap<string, LimitClass>;
  readonly #limits: ReadonlyMap<string, LimitIndex>;
  readonly #unlimited: readonly Rate[];

  constructor({ classes, settings }: Config) {
    this.#classes = classes;
    this.#limits = new Map(
      Array.from(classes.values(), ({ name, limits }) => [name, new LimitIndex(limits)]),
    );
    this.#unlimited = [{ seconds: settings.maxAge, count: -1 }];
  }

  get(name: string): LimitClass | undefined {
    return this.#classes.get(name);
  }

  /** The classes whose values are addresses. */
  ofAddresses(): LimitClass[] {
    return [...this.#classes.values()].filter(({ addresses }) => addresses);
  }

  /** By which rates a value with this limit is counted. */
  ratesOf(limit: Limit | undefined): readonly Rate[] {
    return limit?.rates ?? this.#unlimited;
  }

  /** The target of a value, or of the address that it spells, in a class. */
  targetOf(known: LimitClass, text: string, address: Address | undefined): Target {
    const network = known.addresses && address ? countedNetwork(known, address) : undefined;
    const own = address?.text ?? (known.fold ? fold(text) : text);
    const limit = this.#limits.get(known.name)?.find(own, address);
    const value = network?.text ?? own;
    const rates = this.ratesOf(limit);
    const key = { class: known.name, value, ipv4: network && bitsOf(network) };
    return { known, key, network, limit, rates };
  }

  /** The targets in the class and in those in which it also counts. */
  targetsOf(known: LimitClass, text: string, address: Address | undefined): Target[] {
    const targets = [this.targetOf(known, text, address)];
    for (const name of known.also) {
      const other = this.#classes.get(name);
      if (other) targets.push(this.targetOf(other, text, address));
    }
    return targets;
  }

  /** An allowlisted address, counted by itself: its network must not pay for it. */
  exemptTarget(known: LimitClass, address: Address): Target {
    const key = { class: known.name, value: address.text, ipv4: bitsOf(address) };
    return { known, key, network: undefined, limit: undefined, rates: this.#unlimited };
  }
}
