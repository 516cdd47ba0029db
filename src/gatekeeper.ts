/**
 * Joins core, counters, sessions, allowlist and blocks: mark(), block(), unblock().
 *
 * Guarantee: a mark that exceeds its limit is answered after its block is committed and in force,
 * so exactly the limit passes. An address that is allowlisted is counted and never refused.
 */
import { Allowlist } from './allowlist.ts';
import { BlockKeeper, type Cause } from './block-keeper.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config/config.ts';
import { type Address, networkOf, parseAddress } from './core/address.ts';
import { type Judgement, judge } from './core/judge.ts';
import { findLimit, type Limit, type LimitClass, type Rate } from './core/limits.ts';
import { offencesLeft, penaltySeconds } from './core/penalty.ts';
import type { Counters, Counts, Subject } from './counters/counters.ts';
import { DryRuns } from './dry-runs.ts';
import type { Enforcer } from './enforcers/enforcer.ts';
import { Fault } from './errors.ts';
import type { Log } from './log.ts';
import { type Holder, Sessions } from './sessions.ts';
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
  /** In [0, 1), for the jitter of penalties. */
  readonly random: () => number;
  /** Whether the queue is too long now. */
  readonly isOverloaded: () => boolean;
};

/** A value of a class, the limit that applies to it, and its marks. */
export type Usage = {
  readonly class: LimitClass;
  /** The value as it is counted: for addresses a network of the class's prefix length. */
  readonly value: string;
  /** Undefined: unlimited. */
  readonly limit: Limit | undefined;
  readonly rates: readonly Rate[];
  readonly counts: Counts;
  /** Sessions that are open now. */
  readonly sessions: number;
  /** Undefined: the class blocks nothing. */
  readonly outlook: Outlook | undefined;
  /** Whether nobody is refused by it. */
  readonly isDry: boolean;
  /** What a dry run would have blocked. */
  readonly wouldBlock: Block | undefined;
};

/** What the next offence of an address would cost, without jitter. */
export type Outlook = { readonly offences: number; readonly nextSeconds: number };

/** An operator's wish to block; without `seconds` for the time of a first offence. */
export type BlockOrder = {
  readonly address: Address;
  readonly seconds: number | undefined;
  readonly reason: string;
};

/** One class's share in a request. */
type Target = {
  readonly known: LimitClass;
  readonly subject: Subject;
  readonly network: Address | undefined;
  readonly limit: Limit | undefined;
  readonly rates: readonly Rate[];
};

/** The reply of one class. */
type Judged = Exclude<Reply, { status: 2 }>;

/** A request, understood. */
type Event = {
  readonly targets: readonly Target[];
  readonly isAllowed: boolean;
  /** The block that refuses the address already. */
  readonly block: Block | undefined;
};

function unlimitedRates(config: Config): readonly Rate[] {
  return [{ seconds: config.settings.maxAge, count: -1 }];
}

/** What is told of several refusals: the one that ends last; of equal ones the first. */
function longestRefusal(replies: readonly Judged[]): Judged | undefined {
  const refusals = replies.filter(({ status }) => status === 1);
  return refusals.toSorted((a, b) => (b.secondsLeft ?? 0) - (a.secondsLeft ?? 0))[0];
}

/** The network by which a class counts the address. */
function countedNetwork(known: LimitClass, address: Address): Address {
  return networkOf(address, address.family === 4 ? known.prefix4 : known.prefix6);
}

export class Gatekeeper {
  readonly blocks: BlockKeeper;
  readonly allowlist: Allowlist;
  readonly dryRuns: DryRuns;
  /**
   * The master switch of the limits: while it is off every class is a dry run. Blocks that are
   * in force stay until they end.
   */
  isEnforcing = true;
  readonly #parts: GatekeeperParts;
  readonly #sessions = new Sessions();
  #config: Config;
  #unlimited: readonly Rate[];

  constructor(parts: GatekeeperParts) {
    this.#parts = parts;
    this.#config = parts.config;
    this.#unlimited = unlimitedRates(parts.config);
    this.dryRuns = new DryRuns(parts.clock);
    this.allowlist = new Allowlist(parts.store, parts.clock);
    this.allowlist.configure(parts.config.allow);
    this.blocks = new BlockKeeper({ ...parts, onEnd: (block) => this.#startAnew(block) });
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
    this.allowlist.configure(config.allow);
    this.dryRuns.keep((block) => {
      const known = config.classes.get(block.class);
      return known !== undefined && this.#isDry(known);
    });
    this.#liftAllowed();
  }

  /**
   * Counts one event and says what becomes of it. With a holder, a mark within the limits is a
   * session that lasts until the holder ends.
   */
  mark(request: Request, holder?: Holder): Reply | Promise<Reply> {
    const event = this.#understand(request);
    if ('status' in event) return event;
    const nowMs = this.#parts.clock.monotonicMs();
    const counted = event.targets.map(({ subject, rates }) => {
      return this.#parts.counters.mark(subject, rates, nowMs);
    });
    return counted.every((counts): counts is Counts => !(counts instanceof Promise))
      ? this.#decide(event, counted, holder)
      : Promise.all(counted).then((counts) => this.#decide(event, counts, holder));
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
    const { offences } = this.outlook(order.address);
    const seconds = order.seconds ?? penaltySeconds(this.#config.blocking.penalty, 1, 0);
    return this.blocks.impose(order.address, seconds, {
      class: 'ip',
      count: 0,
      limit: 0,
      seconds: 0,
      times: offences + 1,
      source: 'operator',
      reason: order.reason,
    });
  }

  /**
   * Lifts the block of this address or network, or of the network by which a class counts it;
   * its marks are forgotten either way.
   */
  unblock(address: Address): Block | undefined {
    this.#forgetMarks(address);
    const networks = this.#addressClasses().map((known) => countedNetwork(known, address));
    for (const blocked of [address, ...networks]) {
      const block = this.blocks.lift(blocked);
      if (block) return block;
    }
    return undefined;
  }

  /**
   * Allowlists an address, for a time or for good; lifts and returns the blocks that touch it.
   * @throws Fault `enforcer` when a server still obeys one of them.
   */
  allow(address: Address, seconds: number | undefined, reason: string): Block[] {
    this.allowlist.add(address, seconds, reason);
    const { lifted, fault } = this.#liftAllowed();
    if (fault) throw fault;
    return lifted;
  }

  /** What is counted of an address, class by class; makes no mark. */
  async usages(address: Address): Promise<Usage[]> {
    const nowMs = this.#parts.clock.monotonicMs();
    return Promise.all(
      this.#addressClasses().map(async (known) => {
        const target = this.#targetOf(known, address.text, address);
        const { subject, network, limit, rates } = target;
        const counts = await this.#parts.counters.count(subject, rates, nowMs);
        const sessions = this.#sessions.count(subject);
        return {
          class: known,
          value: subject.value,
          limit,
          rates,
          counts,
          sessions,
          outlook: this.#mayBlockBy(known) ? this.outlook(network ?? address) : undefined,
          isDry: this.#isDry(known),
          wouldBlock: this.dryRuns.get(subject.value),
        };
      }),
    );
  }

  /** What is remembered of exactly this address or network, and what its next offence costs. */
  outlook(address: Address, random = 0): Outlook {
    const { penalty } = this.#config.blocking;
    const past = this.blocks.offences(address);
    const offences = offencesLeft(past, penalty, this.#parts.clock.wallMs());
    return { offences, nextSeconds: penaltySeconds(penalty, offences + 1, random) };
  }

  /** How many values have marks or had some until lately. */
  get trackedValues(): number {
    return this.#parts.counters.size;
  }

  /** Whether the configuration has the class. */
  hasClass(name: string): boolean {
    return this.#config.classes.has(name);
  }

  /** How many sessions are open, each counted once per class. */
  get openSessions(): number {
    return this.#sessions.size;
  }

  /** Forgets idle counters, looking at no more than `most`; says whether the pass is finished. */
  sweep(most: number): boolean {
    this.dryRuns.keep(() => true);
    return this.#parts.counters.sweep(this.#parts.clock.monotonicMs(), most);
  }

  #addressClasses(): LimitClass[] {
    return [...this.#config.classes.values()].filter(({ addresses }) => addresses);
  }

  #understand(request: Request): Event | Reply {
    const known = this.#config.classes.get(request.class);
    if (!known) return errorReply('Class not found', request.class);
    const address = known.addresses ? parseAddress(request.value) : undefined;
    if (known.addresses && !address) return errorReply('Not an address', request.value);
    const target = this.#targetOf(known, request.value, address);
    if (address && this.allowlist.covering(address)) {
      // Counted by itself: its neighbours in the network shall not pay for it.
      const subject = { class: known.name, value: address.text };
      const targets = [{ ...target, subject, rates: this.#unlimited }];
      return { targets, isAllowed: true, block: undefined };
    }
    const others = known.also.flatMap((name) => this.#config.classes.get(name) ?? []);
    return {
      targets: [target, ...others.map((other) => this.#targetOf(other, request.value, address))],
      isAllowed: false,
      block: address && this.blocks.active(address),
    };
  }

  #targetOf(known: LimitClass, text: string, address: Address | undefined): Target {
    const network = known.addresses && address ? countedNetwork(known, address) : undefined;
    const limit = findLimit(known.limits, address?.text ?? text, address);
    const value = network?.text ?? address?.text ?? text;
    const rates = limit?.rates ?? this.#unlimited;
    return { known, subject: { class: known.name, value }, network, limit, rates };
  }

  #decide(event: Event, counts: readonly Counts[], holder: Holder | undefined): Reply {
    const replies = event.targets.map((target, index) => {
      return this.#judge(event, target, counts[index] as Counts);
    });
    const refusal = longestRefusal(replies);
    if (!refusal && holder) {
      for (const { known, subject } of event.targets) {
        if (known.concurrent !== undefined) this.#sessions.enter(subject, holder);
      }
    }
    const reply = refusal ?? (replies[0] as Judged);
    const { class: name, value } = (event.targets[0] as Target).subject;
    this.#parts.log.debug('mark', { class: name, value, status: reply.status });
    return reply;
  }

  #judge(event: Event, target: Target, counts: Counts): Judged {
    const judgement = judge(target.rates, counts);
    const { count, rate } = judgement;
    if (event.isAllowed) return { status: 0, count, limit: -1 };
    const block = event.block ?? this.#blockFor(target, judgement);
    if (block)
      return { status: 1, count, limit: rate.count, secondsLeft: this.#secondsLeft(block) };
    const { known, subject } = target;
    const sessions = this.#sessions.count(subject);
    const limit = known.concurrent ?? Number.POSITIVE_INFINITY;
    if (judgement.verdict === 'exceeded') return this.#refuse(target, count, rate.count, 'rate');
    if (sessions >= limit) return this.#refuse(target, sessions + 1, limit, 'sessions');
    if (known.overload && this.#parts.isOverloaded()) {
      return this.#refuse(target, count, 0, 'overload');
    }
    return { status: 0, count, limit: rate.count };
  }

  /** Refuses without a block; in a dry run only says so. */
  #refuse({ known, subject }: Target, count: number, limit: number, why: string): Judged {
    const isDry = this.#isDry(known);
    if (isDry) this.dryRuns.refusalsTold += 1;
    // Told when it begins: a client that sends thousands more is not worth a line each.
    const isOld = (why === 'rate' && count > limit + 1) || this.dryRuns.has(subject.value);
    const level = isOld ? 'debug' : 'info';
    const fields = { class: known.name, value: subject.value, why, rate: `${count}/${limit}` };
    const { log } = this.#parts;
    if (isDry) log[level]('would refuse', fields);
    else log[level]('refused', fields);
    return { status: isDry ? 0 : 1, count, limit };
  }

  /** Whether exceeding a limit of the class leads to a block. */
  #mayBlockBy(known: LimitClass): boolean {
    return this.#config.blocking.classes.has(known.name);
  }

  #isDry(known: LimitClass): boolean {
    return known.dryRun || !this.isEnforcing;
  }

  /** The block that the judgement leads to; undefined when it leads to none. */
  #blockFor(target: Target, { verdict, count, rate }: Judgement): Block | undefined {
    const { known, subject, network } = target;
    if (verdict === 'within' || !network) return undefined;
    if (!this.#mayBlockBy(known) || this.allowlist.entryFor(network)) return undefined;
    // Made a moment ago, for another class or a request that came at the same time: one offence.
    const recent = this.blocks.active(network);
    if (recent) return recent;
    const { offences, nextSeconds } = this.outlook(network, this.#parts.random());
    const cause: Cause = {
      class: subject.class,
      count,
      limit: rate.count,
      seconds: rate.seconds,
      times: offences + 1,
      source: 'rate',
      reason: '',
    };
    if (!this.#isDry(known)) return this.blocks.impose(network, nextSeconds, cause);
    this.#pretend(network, nextSeconds, cause);
    return undefined;
  }

  #pretend(address: Address, seconds: number, cause: Cause): void {
    if (this.dryRuns.has(address.text)) return;
    const sinceMs = this.#parts.clock.wallMs();
    const untilMs = sinceMs + seconds * 1000;
    this.dryRuns.add({
      ...cause,
      source: 'dry run',
      address,
      sinceMs,
      untilMs,
      replacedUntilMs: 0,
    });
    const { class: name, count, limit } = cause;
    const fields = { address: address.text, class: name, rate: `${count}/${limit}`, for: seconds };
    this.#parts.log.info('would block', fields);
  }

  /** XXX: a block that a server does not let go of stays in force there, at most until its end. */
  #liftAllowed(): { readonly lifted: Block[]; readonly fault: Fault | undefined } {
    const lifted: Block[] = [];
    let fault: Fault | undefined;
    for (const block of this.blocks.all()) {
      if (!this.allowlist.entryFor(block.address)) continue;
      try {
        if (this.blocks.lift(block.address)) lifted.push(block);
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        fault ??= error;
      }
    }
    return { lifted, fault };
  }

  #secondsLeft(block: Block): number {
    return Math.max(1, Math.ceil((block.untilMs - this.#parts.clock.wallMs()) / 1000));
  }

  /**
   * Who has served a block starts anew: else the next mark would block again at once. That holds
   * for the network that was blocked; wider ones keep their marks, or a flood from many addresses
   * would be forgotten with the first of them that is let in.
   */
  #startAnew({ address }: Block): void {
    for (const known of this.#addressClasses()) {
      const { text: value } = countedNetwork(known, address);
      if (value === address.text) this.#parts.counters.clear({ class: known.name, value });
    }
  }

  /** Forgets the marks of an address, and of the networks by which it is counted. */
  #forgetMarks(address: Address): void {
    for (const known of this.#addressClasses()) {
      const { text: value } = countedNetwork(known, address);
      this.#parts.counters.clear({ class: known.name, value });
    }
  }
}
