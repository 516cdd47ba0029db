/**
 * The values that are hit most now, for operators to watch.
 *
 * Guarantee: a check pays nothing for it. All values are looked at in slices, between which checks are
 * served, and so seldom that with a million of them it takes about a hundredth of the time: then which
 * ones are shown may be some seconds old, at most twenty. What is told of each of them is of now.
 */
import type { BlockKeeper } from '../blocks/block-keeper.ts';
import { type Address, parseNetwork } from '../core/address.ts';
import { Highest } from '../core/highest.ts';
import { judge } from '../core/judge.ts';
import type { Rate } from '../core/limits.ts';
import { capacityOf } from '../core/window.ts';
import type { CounterKey, Counters } from '../counters/counters.ts';
import type { Clock } from '../runtime/clock.ts';
import { doBeside, type Work } from '../runtime/work.ts';
import type { Allowlist } from './allowlist.ts';
import { type BusyOrder, type BusyValue, comparisons } from './busy-value.ts';
import type { ClassTable, Target } from './class-table.ts';
import type { DryRuns } from './dry-runs.ts';
import type { Sessions } from './sessions.ts';

/** The most values that are told at once. */
export const mostBusy = 100;

export type BusyRequest = {
  /** `left`: the blocks that end first; `address`: those of `rate`, by their text. */
  readonly order: BusyOrder;
  /** At most `mostBusy`. */
  readonly rows: number;
  readonly class: string | undefined;
  /** What values must have in their text, in lower case; '' is in all. */
  readonly filter: string;
};

export type BusyAnswer = {
  readonly values: readonly BusyValue[];
  /** How long ago the values were chosen. */
  readonly chosenMsAgo: number;
  /** Grows by one every ten seconds; the last number of each history is of it. */
  readonly tick: number;
};

export type BusyValuesParts = {
  readonly classes: () => ClassTable;
  readonly counters: Counters;
  readonly sessions: Sessions;
  readonly blocks: BlockKeeper;
  readonly allowlist: Allowlist;
  readonly dryRuns: DryRuns;
  readonly clock: Clock;
};

const tickMs = 10_000;
const ticks = 12;
const minuteMs = 60_000;
/** What choosing took is multiplied by this, and so long the choice holds. */
const restFactor = 100;
/** But no longer than this: on a machine that others keep busy all takes longer. */
const longestRestMs = 20_000;
/** Choices that are kept, for operators who watch different things. */
const maxChoices = 8;
/** How many blocks one step looks at. */
const blocksAtOnce = 500;

type Choice = {
  readonly keys: readonly CounterKey[];
  readonly atMs: number;
  readonly tookMs: number;
};

export class BusyValues {
  readonly #parts: BusyValuesParts;
  readonly #choices = new Map<string, Choice>();
  /** One choice is made after the other: together their slices would keep checks waiting. */
  #choosing: Promise<unknown> = Promise.resolve();

  constructor(parts: BusyValuesParts) {
    this.#parts = parts;
  }

  async get(request: BusyRequest): Promise<BusyAnswer> {
    const chosen = this.#choosing.then(() => this.#choice(request));
    this.#choosing = chosen.catch(() => {});
    const { keys, atMs } = await chosen;
    const nowMs = this.#parts.clock.monotonicMs();
    const told = await Promise.all(keys.map((key) => this.#describe(key, nowMs)));
    // What has neither hits nor a block is over.
    const values = told.filter(({ count, sessions, block }) => count > 0 || sessions > 0 || block);
    return {
      values: values.sort(comparisons[request.order]).slice(0, request.rows),
      chosenMsAgo: nowMs - atMs,
      tick: Math.floor(nowMs / tickMs),
    };
  }

  async #choice(request: BusyRequest): Promise<Choice> {
    const { clock } = this.#parts;
    const by = request.order === 'address' ? 'rate' : request.order;
    const name = JSON.stringify([by, request.class, request.filter]);
    const known = this.#choices.get(name);
    const restMs = Math.min(longestRestMs, (known?.tookMs ?? 0) * restFactor);
    if (known && clock.monotonicMs() - known.atMs < restMs) return known;
    const nowMs = () => clock.monotonicMs();
    const took = { ms: 0 };
    const keys = await doBeside(timed(this.#choosingBy(by, request), nowMs, took), { nowMs });
    const choice = { keys, atMs: nowMs(), tookMs: took.ms };
    this.#choices.delete(name);
    this.#choices.set(name, choice);
    const [oldest = ''] = this.#choices.keys();
    if (this.#choices.size > maxChoices) this.#choices.delete(oldest);
    return choice;
  }

  *#choosingBy(by: 'rate' | 'count' | 'left', request: BusyRequest): Work<readonly CounterKey[]> {
    const { counters, clock } = this.#parts;
    if (by === 'left') return yield* this.#choosingBlocks(request);
    const query = {
      by,
      max: mostBusy,
      spanMs: tickMs,
      class: request.class,
      filter: request.filter,
    };
    const choosing = counters.busiest?.(query, () => clock.monotonicMs());
    return choosing ? yield* choosing : [];
  }

  *#choosingBlocks(request: BusyRequest): Work<readonly CounterKey[]> {
    const soonest = new Highest<CounterKey>(mostBusy);
    let looked = 0;
    for (const { address, class: name, untilMs } of this.#parts.blocks.values()) {
      const value = address.text;
      const isOfClass = request.class === undefined || request.class === name;
      if (isOfClass && value.includes(request.filter)) {
        soonest.offer(-untilMs, { class: name, value });
      }
      looked += 1;
      if (looked % blocksAtOnce === 0) yield;
    }
    return soonest.items();
  }

  async #describe(key: CounterKey, nowMs: number): Promise<BusyValue> {
    const { counters, sessions, blocks, allowlist, dryRuns, classes } = this.#parts;
    const known = classes().get(key.class);
    // A user may be called like an address.
    const address = known?.addresses === false ? undefined : parseNetwork(key.value);
    const isAllowed = address !== undefined && allowlist.covering(address) !== undefined;
    const exempt = isAllowed && known && address && classes().exemptTarget(known, address);
    // What it was counted by before it was allowed has not ended yet.
    const target =
      exempt && (await this.#hasHits(exempt, nowMs)) ? exempt : this.#targetOf(key, address);
    const rates = target?.rates ?? [{ seconds: 0, count: -1 }];
    const { count, rate } = judge(rates, await counters.count(key, rates, nowMs));
    return {
      ...key,
      address,
      count,
      rate,
      pattern: target?.limit?.pattern.text,
      ...this.#pace(key, rates, nowMs),
      sessions: sessions.count(key),
      concurrent: known?.concurrent,
      isAllowed,
      block: address && blocks.covering(address),
      wouldBlock: dryRuns.get(key.value),
    };
  }

  async #hasHits({ key, rates }: Target, nowMs: number): Promise<boolean> {
    const counts = await this.#parts.counters.count(key, rates, nowMs);
    return counts.some((count) => count > 0);
  }

  /** Undefined when the class is no more. */
  #targetOf(key: CounterKey, address: Address | undefined): Target | undefined {
    const table = this.#parts.classes();
    const known = table.get(key.class);
    if (!known || (known.addresses && !address)) return undefined;
    return table.targetOf(known, key.value, address);
  }

  /** By the longest window, which remembers most. */
  #pace(key: CounterKey, rates: readonly Rate[], nowMs: number) {
    const rate = rates.reduce((longest, each) => (each.seconds > longest.seconds ? each : longest));
    const intoTickMs = (nowMs % tickMs) + 1;
    const spans = Array.from({ length: ticks }, (_, index) => intoTickMs + index * tickMs);
    const recent = this.#parts.counters.recent?.(
      key,
      rate.seconds,
      [rate.seconds * 1000, tickMs, minuteMs, ...spans],
      nowMs,
    );
    const { within = [], reachMs = 0 } = recent ?? {};
    const [all = 0, lastTick = 0, lastMinute = 0, ...sums] = within;
    // A full window has forgotten what was before its oldest hit.
    const isFull = all >= capacityOf(rate);
    const rememberedMs = isFull ? Math.max(1, reachMs) : rate.seconds * 1000;
    const perSecond =
      rememberedMs >= tickMs ? lastTick / (tickMs / 1000) : (all * 1000) / rememberedMs;
    const history = spans.map((span, index) => {
      const isKnown = index === 0 || span <= rememberedMs;
      return isKnown ? (sums[index] ?? 0) - (index === 0 ? 0 : (sums[index - 1] ?? 0)) : undefined;
    });
    return {
      perSecond,
      rememberedMs,
      lastMinute: rememberedMs >= minuteMs ? lastMinute : undefined,
      history: history.reverse(),
    };
  }
}

/** Does the work and adds up how long it takes, without its pauses. */
function* timed<T>(work: Work<T>, nowMs: () => number, took: { ms: number }): Work<T> {
  for (;;) {
    const startMs = nowMs();
    const step = work.next();
    took.ms += nowMs() - startMs;
    if (step.done) return step.value;
    yield step.value;
  }
}
