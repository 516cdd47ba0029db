/**
 * The short way of a line, for what is asked most: an IPv4 address of a class, within the one limit
 * that holds for all its addresses but those it names, that no block and no allowance covers.
 *
 * Guarantee: it answers only what the general way would answer alike, and counts by the same windows.
 * Where it does not answer it has counted nothing, and the line goes the general way.
 * Guarantee: a hit that exceeds its limit goes the general way, which alone refuses and blocks.
 */
import type { BlockKeeper } from '../blocks/block-keeper.ts';
import type { LimitClass } from '../config/config.ts';
import { ipv4BitsIn } from '../core/address.ts';
import { Ipv4Networks } from '../core/ipv4-networks.ts';
import { judge } from '../core/judge.ts';
import type { Limit, Rate } from '../core/limits.ts';
import type { Counters, Ipv4Hits } from '../counters/counters.ts';
import type { Log } from '../runtime/log.ts';
import type { RawLine } from '../wire/raw-line.ts';
import type { Reply } from '../wire/reply.ts';
import type { Allowlist } from './allowlist.ts';
import type { ClassTable } from './class-table.ts';

export type ShortWayParts = {
  readonly classes: ClassTable;
  readonly counters: Counters;
  readonly blocks: BlockKeeper;
  readonly allowlist: Allowlist;
  readonly log: Log;
};

/** A reply that lets in, and the class that the line names; it holds until the next one. */
export type ShortAnswer = Extract<Reply, { count: number }> & { readonly class: string };

/** A class of which most is known before a line comes. */
type Way = {
  readonly name: string;
  /** How a line begins that names the class. */
  readonly start: Uint8Array;
  /** Addresses and networks with limits of their own. */
  readonly named: Ipv4Networks;
  /** Of the limit of all others. */
  readonly rates: readonly Rate[];
  /** Undefined before the first hit. */
  hits: Ipv4Hits | undefined;
  readonly answer: { readonly class: string; readonly status: 0; count: number; limit: number };
};

function beginsWith({ bytes, start, end }: RawLine, wanted: Uint8Array): boolean {
  if (end - start < wanted.length) return false;
  for (let index = 0; index < wanted.length; index += 1) {
    if (bytes[start + index] !== wanted[index]) return false;
  }
  return true;
}

/** Whether nothing but the windows and blocks of the address itself decides about it. */
function isPlain({ addresses, prefix4, also, concurrent, overload }: LimitClass): boolean {
  return addresses && prefix4 === 32 && also.length === 0 && concurrent === undefined && !overload;
}

function isForAll({ pattern: { text, network } }: Limit): boolean {
  return text === '*' || (network?.family === 4 && network.prefixLength === 0);
}

export class ShortWay {
  readonly #parts: ShortWayParts;
  readonly #ways: Way[] = [];
  /** That of the latest line: the next one likely names the same class. */
  #latest: Way | undefined;

  constructor(parts: ShortWayParts) {
    this.#parts = parts;
    if (!parts.counters.ofIPv4) return;
    for (const known of parts.classes.ofAddresses()) this.#add(known);
  }

  /** The answer to a line that came at this monotonic instant; undefined: ask the general way. */
  answer(line: RawLine, nowMs: number): ShortAnswer | undefined {
    const { log, allowlist, blocks } = this.#parts;
    // The general way logs each hit.
    if (log.debug) return undefined;
    const way = this.#wayOf(line);
    if (!way) return undefined;
    const bits = ipv4BitsIn(line.bytes, line.start + way.start.length, line.end);
    if (bits === undefined || way.named.hold(bits)) return undefined;
    if (allowlist.mayCoverIPv4(bits) || blocks.mayRefuseIPv4(bits)) return undefined;
    return this.#hit(way, bits, nowMs);
  }

  #hit(way: Way, bits: number, nowMs: number): ShortAnswer | undefined {
    const { name, rates, answer } = way;
    way.hits ??= this.#parts.counters.ofIPv4?.(name, rates);
    const counts = way.hits?.hitWithin(bits, nowMs);
    if (!counts) return undefined;
    const { count, rate } = judge(rates, counts);
    answer.count = count;
    answer.limit = rate.count;
    return answer;
  }

  #wayOf(line: RawLine): Way | undefined {
    const latest = this.#latest;
    if (latest && beginsWith(line, latest.start)) return latest;
    const way = this.#ways.find(({ start }) => beginsWith(line, start));
    if (way) this.#latest = way;
    return way;
  }

  /** Adds the class if its limits are addresses and networks up to one that is for all. */
  #add(known: LimitClass): void {
    const last = known.limits.findIndex(isForAll);
    const before = last < 0 ? known.limits : known.limits.slice(0, last);
    if (!isPlain(known) || before.some(({ pattern }) => !pattern.network)) return;
    const named = new Ipv4Networks();
    for (const { pattern } of before) if (pattern.network) named.add(pattern.network);
    const { name } = known;
    const rates = this.#parts.classes.ratesOf(known.limits[last]);
    const start = Buffer.from(`${name} `);
    const answer = { class: name, status: 0, count: 0, limit: 0 } as const;
    this.#ways.push({ name, start, named, rates, hits: undefined, answer });
  }
}
