/**
 * What becomes of a request whose hits are counted: let in, refused, or blocked from now on.
 *
 * Guarantee: a block is committed and in force before the reply that tells of it exists. Requests of
 * untrusted clients block nobody.
 */

import type { BlockCause, BlockKeeper } from '../blocks/block-keeper.ts';
import type { Config, LimitClass } from '../config/config.ts';
import type { Address } from '../core/address.ts';
import type { Block } from '../core/block.ts';
import { type Judgement, judge } from '../core/judge.ts';
import { offencesLeft, penaltySeconds } from '../core/penalty.ts';
import type { Counts } from '../counters/counters.ts';
import { type History, rater } from '../history/history.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Reply } from '../wire/reply.ts';
import type { Allowlist } from './allowlist.ts';
import type { Target } from './class-table.ts';
import type { DryRuns } from './dry-runs.ts';
import type { Holder, Sessions } from './sessions.ts';

/** What verdicts are made from. A reload changes the configuration. */
export type VerdictParts = {
  readonly config: () => Config;
  readonly blocks: BlockKeeper;
  readonly allowlist: Allowlist;
  readonly dryRuns: DryRuns;
  readonly sessions: Sessions;
  readonly history: History;
  readonly log: Log;
  readonly clock: Clock;
  /** In [0, 1), for the jitter of penalties. */
  readonly random: () => number;
  /** Whether the queue is too long now. */
  readonly isOverloaded: () => boolean;
};

/** A request, and what it counts for. */
export type CountedRequest = {
  readonly targets: readonly Target[];
  readonly isAllowed: boolean;
  /** Whether its client is untrusted: then its hits are counted apart and it blocks nobody. */
  readonly isUntrusted: boolean;
  /** The block that refuses the address already. */
  readonly block: Block | undefined;
};

/** What is remembered of an address, and what its next offence would cost. */
export type NextPenalty = { readonly offences: number; readonly nextSeconds: number };

/** Why a client is refused without a block, and by what numbers. */
type Refusal = {
  readonly why: 'rate' | 'sessions' | 'overload';
  readonly count: number;
  readonly limit: number;
};

/** The reply of one class. */
type Judged = Exclude<Reply, { status: 2 }>;

/** A refusal before a pass, the refusal that lasts longer, else the first. */
function graver(a: Judged, b: Judged): Judged {
  if (a.status !== b.status) return a.status === 1 ? a : b;
  return (b.secondsLeft ?? 0) > (a.secondsLeft ?? 0) ? b : a;
}

export class Verdicts {
  /**
   * The master switch of the limits: while it is off every class is a dry run. Blocks that are
   * in force stay until they end.
   */
  isEnforcing = true;
  readonly #parts: VerdictParts;

  constructor(parts: VerdictParts) {
    this.#parts = parts;
  }

  /** The reply to a request whose targets have these counts. */
  decide(request: CountedRequest, counts: readonly Counts[], holder: Holder | undefined): Reply {
    const reply = request.targets
      .map((target, index) => this.#judge(request, target, counts[index] as Counts))
      .reduce(graver);
    if (holder && reply.status === 0) this.#enter(request, holder);
    return reply;
  }

  /** Whether exceeding a limit of the class leads to a block. */
  mayBlockBy(known: LimitClass): boolean {
    return this.#parts.config().blocking.classes.has(known.name);
  }

  /** Whether the class only logs what it would do. */
  isDry(known: LimitClass): boolean {
    return known.dryRun || !this.isEnforcing;
  }

  /** The next penalty of exactly this address or network. */
  nextPenalty(address: Address, random = 0): NextPenalty {
    const { penalty } = this.#parts.config().blocking;
    const past = this.#parts.blocks.offences(address);
    const offences = offencesLeft(past, penalty, this.#parts.clock.wallMs());
    return { offences, nextSeconds: penaltySeconds(penalty, offences + 1, random) };
  }

  #enter({ targets }: CountedRequest, holder: Holder): void {
    for (const { known, key } of targets) {
      if (known.concurrent !== undefined) this.#parts.sessions.enter(key, holder);
    }
  }

  #judge(request: CountedRequest, target: Target, counts: Counts): Judged {
    const judgement = judge(target.rates, counts);
    const { count, rate } = judgement;
    if (request.isAllowed) return { status: 0, count, limit: -1 };
    const block =
      request.block ?? (request.isUntrusted ? undefined : this.#blockFor(target, judgement));
    if (block) {
      return { status: 1, count, limit: rate.count, secondsLeft: this.#secondsLeft(block) };
    }
    const refusal = this.#refusalOf(target, judgement);
    return refusal
      ? this.#refuse(request, target, refusal)
      : { status: 0, count, limit: rate.count };
  }

  /** Why a target that leads to no block is refused; undefined when it is let in. */
  #refusalOf({ known, key }: Target, { verdict, count, rate }: Judgement): Refusal | undefined {
    if (verdict === 'exceeded') return { why: 'rate', count, limit: rate.count };
    if (known.concurrent !== undefined) {
      const sessions = this.#parts.sessions.count(key);
      if (sessions >= known.concurrent) {
        return { why: 'sessions', count: sessions + 1, limit: known.concurrent };
      }
    }
    if (known.overload && this.#parts.isOverloaded()) return { why: 'overload', count, limit: 0 };
    return undefined;
  }

  /** Refuses without a block; in a dry run only logs it. */
  #refuse(
    { isUntrusted }: CountedRequest,
    { known, key }: Target,
    { why, count, limit }: Refusal,
  ): Judged {
    const { dryRuns, log } = this.#parts;
    const isDry = this.isDry(known);
    if (isDry) dryRuns.refusalsTold += 1;
    // Logged when it begins: a client that sends thousands more is not worth a line each.
    const isOld = (why === 'rate' && count > limit + 1) || dryRuns.has(key.value);
    const level = isOld ? 'debug' : 'info';
    const by = isUntrusted ? 'tcp' : undefined;
    const fields = { class: known.name, value: key.value, why, rate: `${count}/${limit}`, by };
    if (isDry) log[level]?.('would refuse', fields);
    else log[level]?.('refused', fields);
    return { status: isDry ? 0 : 1, count, limit };
  }

  /** The block that the judgement leads to, if any. */
  #blockFor(target: Target, { verdict, count, rate }: Judgement): Block | undefined {
    const { known, key, network } = target;
    const { blocks, allowlist, random } = this.#parts;
    if (verdict === 'within' || !network) return undefined;
    if (!this.mayBlockBy(known) || allowlist.entryFor(network)) return undefined;
    // Made a moment ago for another class or a simultaneous request: that is one offence.
    const recent = blocks.active(network);
    if (recent) return recent;
    const { offences, nextSeconds } = this.nextPenalty(network, random());
    const cause: BlockCause = {
      class: key.class,
      count,
      limit: rate.count,
      seconds: rate.seconds,
      times: offences + 1,
      source: 'rate',
      reason: '',
    };
    if (!this.isDry(known)) return blocks.impose(network, nextSeconds, cause);
    this.#pretend(network, nextSeconds, cause);
    return undefined;
  }

  #pretend(address: Address, seconds: number, cause: BlockCause): void {
    const { clock, dryRuns, history, log } = this.#parts;
    if (dryRuns.has(address.text)) return;
    const sinceMs = clock.wallMs();
    const untilMs = sinceMs + seconds * 1000;
    dryRuns.add({ ...cause, source: 'dry run', address, sinceMs, untilMs, replacedUntilMs: 0 });
    const { class: name, count, limit, times } = cause;
    const numbers = { count, limit, seconds: cause.seconds, times, forMs: seconds * 1000 };
    const value = address.text;
    history.note({ event: 'would block', class: name, value, by: rater, ...numbers });
    const fields = { address: address.text, class: name, rate: `${count}/${limit}`, for: seconds };
    log.info('would block', fields);
  }

  #secondsLeft(block: Block): number {
    return Math.max(1, Math.ceil((block.untilMs - this.#parts.clock.wallMs()) / 1000));
  }
}
