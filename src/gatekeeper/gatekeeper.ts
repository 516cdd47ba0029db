/**
 * Joins classes, counters, sessions, allowlist, verdicts and blocks: hit() for clients; block(),
 * unblock(), allow() and usages() for operators.
 *
 * Guarantee: a hit that exceeds its limit is answered after its block is committed and in force,
 * so exactly the limit passes. An allowlisted address is counted and never refused.
 * Guarantee: requests of untrusted clients, by hitUntrusted(), block nobody and do not change what
 * hit() answers.
 */

import { BlockKeeper } from '../blocks/block-keeper.ts';
import type { Config, LimitClass } from '../config/config.ts';
import { type Address, parseAddress } from '../core/address.ts';
import type { Block } from '../core/block.ts';
import type { Limit, Rate } from '../core/limits.ts';
import { penaltySeconds } from '../core/penalty.ts';
import type { Counters, Counts } from '../counters/counters.ts';
import type { Enforcer, Scope } from '../enforcers/enforcer.ts';
import type { Health } from '../health/health.ts';
import { History, operator } from '../history/history.ts';
import type { Clock } from '../runtime/clock.ts';
import { Fault } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import type { Work } from '../runtime/work.ts';
import type { Store } from '../store/store.ts';
import type { RawLine } from '../wire/raw-line.ts';
import { errorReply, type Reply } from '../wire/reply.ts';
import type { Request } from '../wire/request.ts';
import { Allowlist } from './allowlist.ts';
import { BusyValues } from './busy-values.ts';
import { ClassTable, countedNetwork, type Target } from './class-table.ts';
import { DryRuns } from './dry-runs.ts';
import { type Holder, Sessions } from './sessions.ts';
import { type ShortAnswer, ShortWay } from './short-way.ts';
import { UnblockAllowlisted, type UnblockedAllowlisted } from './unblock-allowlisted.ts';
import { type CountedRequest, type NextPenalty, type VerdictParts, Verdicts } from './verdicts.ts';

/** How many values or offences one step looks at. */
const sweptAtOnce = 2000;

export type GatekeeperParts = Pick<VerdictParts, 'log' | 'clock' | 'random' | 'isOverloaded'> & {
  readonly config: Config;
  readonly health: Health;
  readonly store: Store;
  readonly counters: Counters;
  /** Counts hits of untrusted clients; undefined when there are none. */
  readonly untrustedCounters?: Counters | undefined;
  readonly enforcers: readonly Enforcer[];
};

/** A value of a class, the limit that applies to it, and its hits. */
export type Usage = {
  readonly class: LimitClass;
  /** The value as it is counted: for addresses a network of the class's prefix length. */
  readonly value: string;
  /** Undefined when unlimited. */
  readonly limit: Limit | undefined;
  readonly rates: readonly Rate[];
  readonly counts: Counts;
  /** How many are open now. */
  readonly sessions: number;
  /** Without jitter; undefined when the class blocks nothing. */
  readonly nextPenalty: NextPenalty | undefined;
  /** Whether the class only logs what it would do. */
  readonly isDry: boolean;
  /** What a dry run would have blocked. */
  readonly wouldBlock: Block | undefined;
};

/** An operator's order to block; without `seconds` for the time of a first offence. */
export type BlockOrder = {
  readonly address: Address;
  readonly seconds: number | undefined;
  /** Whether a list says so that may be imported again and again: that is no offence each time. */
  readonly isFromList?: boolean;
  readonly reason: string;
  /** Who ordered it. */
  readonly by?: string | undefined;
};

export class Gatekeeper {
  readonly blocks: BlockKeeper;
  readonly allowlist: Allowlist;
  readonly dryRuns: DryRuns;
  readonly verdicts: Verdicts;
  readonly health: Health;
  readonly history: History;
  /** Of the clients that are trusted. */
  readonly busyValues: BusyValues;
  readonly #sessions = new Sessions();
  readonly #unblockAllowlisted: UnblockAllowlisted;
  readonly #counters: Counters;
  readonly #untrustedCounters: Counters | undefined;
  readonly #clock: Clock;
  readonly #log: Log;
  #config: Config;
  #classes: ClassTable;
  #shortWay: ShortWay;

  constructor(parts: GatekeeperParts) {
    this.#counters = parts.counters;
    this.#untrustedCounters = parts.untrustedCounters;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.health = parts.health;
    this.#config = parts.config;
    this.#classes = new ClassTable(parts.config);
    this.dryRuns = new DryRuns(parts.clock, parts.config.settings.maxBlocks, parts.health);
    this.allowlist = new Allowlist(parts.store, parts.clock);
    this.allowlist.configure(parts.config.allow);
    const startAnew = (block: Block) => this.#startAnew(block);
    this.history = new History({ ...parts, bounds: () => this.#config.settings });
    this.blocks = new BlockKeeper({ ...parts, history: this.history, onEnd: startAnew });
    this.#unblockAllowlisted = new UnblockAllowlisted(
      this.blocks,
      this.allowlist,
      parts.health,
      startAnew,
    );
    this.verdicts = new Verdicts({
      config: () => this.#config,
      blocks: this.blocks,
      allowlist: this.allowlist,
      dryRuns: this.dryRuns,
      sessions: this.#sessions,
      history: this.history,
      log: parts.log,
      clock: parts.clock,
      random: parts.random,
      isOverloaded: parts.isOverloaded,
    });
    this.#shortWay = this.#makeShortWay();
    this.busyValues = new BusyValues({
      classes: () => this.#classes,
      counters: parts.counters,
      sessions: this.#sessions,
      blocks: this.blocks,
      allowlist: this.allowlist,
      dryRuns: this.dryRuns,
      clock: parts.clock,
    });
  }

  /**
   * Does what must precede the first answer, and lifts the blocks of allowlisted addresses; a pass of
   * `reconciling('all')` puts the others in force.
   */
  start(): void {
    this.blocks.start();
    this.#unblockAllowlisted.run();
  }

  /** Like `blocks.reconciling`, and lifts each found block whose address is allowlisted. */
  reconciling(scope: Scope): Work<void> {
    return this.blocks.reconciling(scope, (found) => this.#unblockAllowlisted.runOn(found));
  }

  /** Tries again what failed, also lifting blocks of allowlisted addresses. */
  retrying(): Work<void> {
    this.#unblockAllowlisted.retry();
    return this.blocks.retrying((found) => this.#unblockAllowlisted.runOn(found));
  }

  /** Takes another configuration's limits, allowlist and block time; nothing counted is lost. */
  configure(config: Config): void {
    this.#config = config;
    this.#classes = new ClassTable(config);
    this.#shortWay = this.#makeShortWay();
    this.allowlist.configure(config.allow);
    this.dryRuns.keep((block) => {
      const known = config.classes.get(block.class);
      return known !== undefined && this.verdicts.isDry(known);
    });
    this.#unblockAllowlisted.run();
  }

  /**
   * Counts one hit and answers it. With a holder, a hit within the limits is a session that lasts
   * until the holder ends.
   */
  hit(request: Request, holder?: Holder): Reply | Promise<Reply> {
    return this.#hit(request, this.#counters, holder);
  }

  /** The same for an untrusted client: counted apart, and nobody is blocked for it. */
  hitUntrusted(request: Request): Reply | Promise<Reply> {
    if (!this.#untrustedCounters) throw new Error('there are no untrusted clients');
    return this.#hit(request, this.#untrustedCounters);
  }

  /**
   * The answer of hit() to a line that came at this monotonic instant, if there is a short way to it;
   * undefined: nothing is counted, and the line is to be parsed and hit. It holds until the next call.
   */
  hitShortly(line: RawLine, nowMs: number): ShortAnswer | undefined {
    return this.#shortWay.answer(line, nowMs);
  }

  #hit(request: Request, counters: Counters, holder?: Holder): Reply | Promise<Reply> {
    const understood = this.#understand(request, counters === this.#untrustedCounters);
    if ('status' in understood) return understood;
    const nowMs = this.#clock.monotonicMs();
    const counted = understood.targets.map(({ key, rates }) => {
      return counters.hit(key, rates, nowMs);
    });
    return counted.some((counts) => counts instanceof Promise)
      ? Promise.all(counted).then((counts) => this.#decide(understood, counts, holder))
      : this.#decide(understood, counted as Counts[], holder);
  }

  /** @throws Fault `usage` when the address is allowlisted. */
  mayBlock(address: Address): void {
    const entry = this.allowlist.entryFor(address)?.address;
    if (entry) throw new Fault('usage', `${address.text} is allowlisted by ${entry.text}`);
  }

  /**
   * Blocks an address by an operator's order.
   * @throws Fault `usage` when the address is allowlisted.
   */
  block(order: BlockOrder): Block {
    this.mayBlock(order.address);
    const { offences } = this.verdicts.nextPenalty(order.address);
    const seconds = order.seconds ?? penaltySeconds(this.#config.blocking.penalty, 1, 0);
    const cause = {
      class: 'ip',
      count: 0,
      limit: 0,
      seconds: 0,
      times: order.isFromList ? Math.max(1, offences) : offences + 1,
      source: 'operator',
      reason: order.reason,
    } as const;
    return this.blocks.impose(order.address, seconds, cause, order.by);
  }

  /**
   * Lifts the block of this address or network, or of a network by which a class counts it. Forgets
   * its hits in any case. `by` is who wanted it.
   */
  unblock(address: Address, by = operator): Block | undefined {
    const networks = this.#classes.ofAddresses().map((known) => countedNetwork(known, address));
    this.#forgetHits(address);
    for (const blocked of [address, ...networks]) {
      const block = this.blocks.lift(blocked, by);
      if (block) return block;
    }
    return undefined;
  }

  /**
   * Allowlists an address, for a time or for good, and lifts the blocks that touch it; the fault is
   * that of a server that still obeys one of them. @throws Fault `store`
   */
  allow(
    address: Address,
    seconds: number | undefined,
    reason: string,
    by = operator,
  ): UnblockedAllowlisted {
    this.allowlist.add(address, seconds, reason);
    const forMs = seconds && seconds * 1000;
    this.history.note({ event: 'allowed', value: address.text, by, reason, forMs });
    return this.#unblockAllowlisted.run(by);
  }

  /** Takes an operator's allowance back; says whether there was one. @throws Fault `store` */
  disallow(address: Address, by = operator): boolean {
    const was = this.allowlist.remove(address);
    if (was) this.history.note({ event: 'disallowed', value: address.text, by });
    return was;
  }

  /** The usage of an address, class by class; counts no hit. */
  async usages(address: Address): Promise<Usage[]> {
    return Promise.all(this.#classes.ofAddresses().map((known) => this.#usage(known, address)));
  }

  /** How many values have hits, or had some before the last sweep. */
  get trackedValues(): number {
    return this.#counters.size + (this.#untrustedCounters?.size ?? 0);
  }

  hasClass(name: string): boolean {
    return this.#classes.get(name) !== undefined;
  }

  /** How many sessions are open, each once per class. */
  get openSessions(): number {
    return this.#sessions.size;
  }

  /** Forgets idle counters, dry runs that are over, offences beyond `maxHistory`, and old history. */
  *sweeping(): Work<void> {
    this.dryRuns.keep(() => true);
    for (const counters of this.#allCounters()) {
      yield* counters.sweeping(() => this.#clock.monotonicMs(), sweptAtOnce);
      yield;
    }
    yield* this.blocks.forgettingOffences(sweptAtOnce);
    yield* this.history.forgetting();
  }

  #understand(request: Request, isUntrusted: boolean): CountedRequest | Reply {
    const known = this.#classes.get(request.class);
    if (!known) return errorReply('Class not found', request.class);
    const address = known.addresses ? parseAddress(request.value) : undefined;
    if (known.addresses && !address) return errorReply('Not an address', request.value);
    if (address && this.allowlist.covering(address)) {
      const targets = [this.#classes.exemptTarget(known, address)];
      return { targets, isAllowed: true, isUntrusted, block: undefined };
    }
    return {
      targets: this.#classes.targetsOf(known, request.value, address),
      isAllowed: false,
      isUntrusted,
      block: address && this.blocks.active(address),
    };
  }

  #decide(request: CountedRequest, counts: readonly Counts[], holder: Holder | undefined): Reply {
    const reply = this.verdicts.decide(request, counts, holder);
    const { class: name, value } = (request.targets[0] as Target).key;
    this.#log.debug?.('hit', { class: name, value, status: reply.status });
    return reply;
  }

  async #usage(known: LimitClass, address: Address): Promise<Usage> {
    const { key, network, limit, rates } = this.#classes.targetOf(known, address.text, address);
    const mayBlock = this.verdicts.mayBlockBy(known);
    return {
      class: known,
      value: key.value,
      limit,
      rates,
      counts: await this.#counters.count(key, rates, this.#clock.monotonicMs()),
      sessions: this.#sessions.count(key),
      nextPenalty: mayBlock ? this.verdicts.nextPenalty(network ?? address) : undefined,
      isDry: this.verdicts.isDry(known),
      wouldBlock: this.dryRuns.get(key.value),
    };
  }

  /**
   * Clears the count of an address or network whose block has ended: else its next hit would block
   * it again. Wider networks keep their hits, or a flood from many addresses would be forgotten with
   * the first of them that is let in.
   */
  #startAnew({ address }: Block): void {
    for (const known of this.#classes.ofAddresses()) {
      const { text: value } = countedNetwork(known, address);
      if (value === address.text) this.#counters.clear({ class: known.name, value });
    }
  }

  /** Forgets the hits of an address, and of the networks by which it is counted. */
  #forgetHits(address: Address): void {
    for (const known of this.#classes.ofAddresses()) {
      const { text: value } = countedNetwork(known, address);
      for (const counters of this.#allCounters()) counters.clear({ class: known.name, value });
    }
  }

  #makeShortWay(): ShortWay {
    return new ShortWay({
      classes: this.#classes,
      counters: this.#counters,
      blocks: this.blocks,
      allowlist: this.allowlist,
      log: this.#log,
    });
  }

  #allCounters(): Counters[] {
    return this.#untrustedCounters ? [this.#counters, this.#untrustedCounters] : [this.#counters];
  }
}
