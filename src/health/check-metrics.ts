/**
 * Measures the answers to checks: how many, by class and verdict, and in what time.
 *
 * Guarantee: a check costs less than a microsecond here, and memory does not grow with checks:
 * names come from the configuration, never from the network.
 */

import type { Clock } from '../runtime/clock.ts';
import type { ClassTally, CheckTotals as Measured } from './check-totals.ts';

/** The whole seconds that rates are averaged over, the longest last. */
const spans = [1, 10, 60] as const;
const slots = spans[2] + 1;
/** Answer times below 2 to the power of 0, 1, ... microseconds; the last also takes longer ones. */
const powers = 32;
/** The name for requests without an existing class. */
const noClass = '-';

function increase(counts: Float64Array, index: number, by: number): void {
  counts[index] = (counts[index] as number) + by;
}

/** The part of a reply that is measured. */
export type Answer = { readonly status: 0 | 1 | 2; readonly secondsLeft?: number | undefined };

export class CheckMetrics {
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #tallies = new Map<string, ClassTally>();
  readonly #latencies = new Float64Array(powers);
  /** Checks per second: slot s % slots is for second s. */
  readonly #perSecond = new Float64Array(slots);
  #second = 0;
  #checks = 0;
  #answeringMs = 0;
  /** Answers that are counted and not timed. */
  #untimed = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
  }

  /**
   * Counts the answer to a request that was read and answered at these monotonic instants. `name`
   * is a class of the configuration, undefined when the request names none.
   */
  note(name: string | undefined, reply: Answer, readMs: number, answeredMs: number): void {
    this.count(name, reply);
    this.time(readMs, answeredMs);
  }

  /** Counts one of several answers that `time` is told of together. */
  count(name: string | undefined, reply: Answer): void {
    const tally = this.#tallyOf(name ?? noClass);
    if (reply.status === 0) tally.within += 1;
    else if (reply.status === 2) tally.errors += 1;
    else if (reply.secondsLeft === undefined) tally.exceeded += 1;
    else tally.blocked += 1;
    this.#untimed += 1;
  }

  /**
   * Says when the first of the answers counted since the last time was read, and when the last one
   * was known: each took an equal share of that time.
   */
  time(readMs: number, answeredMs: number): void {
    const answers = this.#untimed;
    this.#untimed = 0;
    const power = 32 - Math.clz32(((answeredMs - readMs) * 1000) / answers);
    increase(this.#latencies, Math.min(power, powers - 1), answers);
    this.#turnTo(answeredMs);
    increase(this.#perSecond, this.#second % slots, answers);
    this.#checks += answers;
    this.#answeringMs += answeredMs - readMs;
  }

  measured(): Measured {
    this.#turnTo(this.#clock.monotonicMs());
    return {
      checks: this.#checks,
      seconds: this.#answeringMs / 1000,
      rates: spans.map((seconds) => ({ seconds, perSecond: this.#rate(seconds) })),
      classes: [...this.#tallies].map(([name, tally]) => ({ name, ...tally })),
      latencies: [...this.#latencies].flatMap((checks, power) => {
        return checks > 0 ? [{ belowUs: 2 ** power, checks }] : [];
      }),
    };
  }

  /** Over whole past seconds; undefined until so many have passed. */
  #rate(seconds: number): number | undefined {
    if (this.#second < seconds) return undefined;
    let sum = 0;
    for (let back = 1; back <= seconds; back += 1) {
      sum += this.#perSecond[(this.#second - back) % slots] as number;
    }
    return sum / seconds;
  }

  /** Advances to the current second and empties the slots in between. */
  #turnTo(nowMs: number): void {
    const second = Math.floor((nowMs - this.#startedMs) / 1000);
    if (second <= this.#second) return;
    const first = Math.max(this.#second + 1, second - slots + 1);
    for (let each = first; each <= second; each += 1) this.#perSecond[each % slots] = 0;
    this.#second = second;
  }

  #tallyOf(name: string): ClassTally {
    let tally = this.#tallies.get(name);
    if (!tally) {
      tally = { within: 0, exceeded: 0, blocked: 0, errors: 0 };
      this.#tallies.set(name, tally);
    }
    return tally;
  }
}
