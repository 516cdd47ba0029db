/**
 * Joins core, counters and blocks: mark(), block(), unblock(), inspect().
 *
 * Guarantee: a mark that exceeds its limit is answered after its block is committed and in force,
 * so exactly the limit passes. An address that is allowlisted is counted and never refused.
 */
import { BlockKeeper } from './block-keeper.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config/config.ts';
import { type Address, contains, parseAddress } from './core/address.ts';
import { judge } from './core/judge.ts';
import { findLimit, type LimitClass, type Rate } from './core/limits.ts';
import type { Counters, Counts, Subject } from './counters/counters.ts';
import type { Enforcer, Standing } from './enforcers/enforcer.ts';
import { Fault } from './errors.ts';
import type { Log } from './log.ts';
import type { Block, Store } from './store/store.ts';
import { errorReply, type Reply } from './wire/reply.ts';
import type { Request } from './wire/request.ts';

export type GatekeeperParts = {
  readonly config: Config;
  readonly store: Store;
  readonly counters: Counters;
  readonly enforcers: readonly Enforcer[];
  readonly log: Log;
  readonly clock: Clock;
};

/** Which limit applies to a value of a class, and how many marks it has. */
export type Usage = {
  readonly class: string;
  /** The pattern of the limit, or undefined: unlimited. */
  readonly pattern: string | undefined;
  readonly rates: readonly Rate[];
  readonly counts: Counts;
};

/** What is known of one address. */
export type Inspection = {
  readonly address: Address;
  /** The entry of the allowlist that holds it. */
  readonly allowedBy: Address | undefined;
  readonly block: Block | undefined;
  readonly standings: readonly { readonly enforcer: string; readonly standing: Standing }[];
  readonly usages: readonly Usage[];
};

/** An operator's wish to block; without `seconds` for the configured time. */
export type BlockOrder = {
  readonly address: Address;
  readonly seconds: number | undefined;
  readonly reason: string;
};

function unlimitedRates(config: Config): readonly Rate[] {
  return [{ seconds: config.settings.maxAge, count: -1 }];
}

export class Gatekeeper {
  readonly blocks: BlockKeeper;
  readonly #parts: GatekeeperParts;
  #config: Config;
  #unlimited: readonly Rate[];

  constructor(parts: GatekeeperParts) {
    this.#parts = parts;
    this.#config = parts.config;
    this.#unlimited = unlimitedRates(parts.config);
    this.blocks = new BlockKeeper({ ...parts, onEnd: (block) => this.#forgetMarks(block.address) });
  }

  /** Ends what is over, puts all other blocks in force and lifts those of allowlisted addresses. */
  start(): void {
    this.blocks.start();
    this.#liftAllowed();
  }

  /** Takes another configuration's limits, allowlist and block time; nothing counted is lost. */
  configure(config: Config): void {
    this.#config = config;
    this.#unlimited = unlimitedRates(config);
    this.#liftAllowed();
  }

  /** The entry of the allowlist that the address lies in, or that lies in it. */
  allowedBy(address: Address): Address | undefined {
    return this.#config.allow.find((entry) => contains(entry, address) || contains(address, entry));
  }

  /** Counts one event and says what becomes of it. */
  mark(request: Request): Reply | Promise<Reply> {
    const known = this.#config.classes.get(request.class);
    if (!known) return errorReply('Class not found', request.class);
    const address = known.addresses ? parseAddress(request.value) : undefined;
    if (known.addresses && !address) return errorReply('Not an address', request.value);
    const allowed = address !== undefined && this.allowedBy(address) !== undefined;
    const block = address && !allowed ? this.blocks.active(address) : undefined;
    const subject = { class: known.name, value: address?.text ?? request.value };
    const rates = allowed ? this.#unlimited : this.#ratesOf(known, subject.value, address);
    const counts = this.#parts.counters.mark(subject, rates, this.#parts.clock.monotonicMs());
    const decide = (counted: Counts) => this.#decide(subject, address, block, rates, counted);
    return counts instanceof Promise ? counts.then(decide) : decide(counts);
  }

  /** @throws Fault `usage` when the address is allowlisted. */
  mayBlock(address: Address): void {
    const entry = this.allowedBy(address);
    if (entry) throw new Fault('usage', `${address.text} is allowlisted by ${entry.text}`);
  }

  /**
   * Blocks an address by an operator's order.
   * @throws Fault `usage` when the address is allowlisted.
   */
  block(order: BlockOrder): Block {
    this.mayBlock(order.address);
    return this.blocks.impose(order.address, order.seconds ?? this.#config.blocking.seconds, {
      class: 'ip',
      count: 0,
      limit: 0,
      seconds: 0,
      source: 'operator',
      reason: order.reason,
    });
  }

  /** Lifts the block of exactly this address or network; its marks are forgotten either way. */
  unblock(address: Address): Block | undefined {
    this.#forgetMarks(address);
    return this.blocks.lift(address);
  }

  /** What is known of an address; makes no mark. */
  async inspect(address: Address): Promise<Inspection> {
    const classes = [...this.#config.classes.values()].filter((known) => known.addresses);
    return {
      address,
      allowedBy: this.allowedBy(address),
      block: this.blocks.covering(address),
      standings: this.blocks.standings(address),
      usages: await Promise.all(classes.map((known) => this.#usageOf(known, address))),
    };
  }

  /** How many values have marks or had some until lately. */
  get trackedValues(): number {
    return this.#parts.counters.size;
  }

  /** Forgets idle counters, looking at no more than `most`; says whether the pass is finished. */
  sweep(most: number): boolean {
    return this.#parts.counters.sweep(this.#parts.clock.monotonicMs(), most);
  }

  #ratesOf(known: LimitClass, value: string, address: Address | undefined): readonly Rate[] {
    return findLimit(known.limits, value, address)?.rates ?? this.#unlimited;
  }

  async #usageOf(known: LimitClass, address: Address): Promise<Usage> {
    const limit = findLimit(known.limits, address.text, address);
    const rates = limit?.rates ?? this.#unlimited;
    const subject = { class: known.name, value: address.text };
    const { clock, counters } = this.#parts;
    const counts = await counters.count(subject, rates, clock.monotonicMs());
    return { class: known.name, pattern: limit?.pattern.text, rates, counts };
  }

  #decide(
    subject: Subject,
    address: Address | undefined,
    active: Block | undefined,
    rates: readonly Rate[],
    counts: Counts,
  ): Reply {
    const { verdict, count, rate } = judge(rates, counts);
    const exceeded = verdict === 'exceeded';
    const block = active ?? (exceeded ? this.#blockFor(subject, address, count, rate) : undefined);
    if (exceeded && !block) {
      const { class: name, value } = subject;
      this.#parts.log.info('exceeded', { class: name, value, rate: `${count}/${rate.count}` });
    }
    const status = block || exceeded ? 1 : 0;
    this.#parts.log.debug('mark', { class: subject.class, value: subject.value, status, count });
    return { status, count, limit: rate.count, secondsLeft: block && this.#secondsLeft(block) };
  }

  #blockFor(
    subject: Subject,
    address: Address | undefined,
    count: number,
    rate: Rate,
  ): Block | undefined {
    if (!address || !this.#config.blocking.classes.has(subject.class)) return undefined;
    return this.blocks.impose(address, this.#config.blocking.seconds, {
      class: subject.class,
      count,
      limit: rate.count,
      seconds: rate.seconds,
      source: 'rate',
      reason: '',
    });
  }

  #liftAllowed(): void {
    for (const block of this.blocks.all()) {
      if (this.allowedBy(block.address)) this.blocks.lift(block.address);
    }
  }

  #secondsLeft(block: Block): number {
    return Math.max(1, Math.ceil((block.untilMs - this.#parts.clock.wallMs()) / 1000));
  }

  /** Who has served a block starts anew: else the next mark would block again at once. */
  #forgetMarks(address: Address): void {
    for (const known of this.#config.classes.values()) {
      if (known.addresses) {
        this.#parts.counters.clear({ class: known.name, value: address.text });
      }
    }
  }
}
