/**
 * What rater would have done with one configuration: its gatekeeper, with the clock of a log, a store
 * in memory and no server. Connections of a client that is blocked count as kept out, as its server
 * would, and are no hits.
 *
 * Classes that are a dry run are replayed as if they were not; blocks last as long as without jitter;
 * there is never an overload, and no session is open.
 */
import type { Config, LimitClass } from '../config/config.ts';
import { ipv4Text, parseAddress, parseNetwork } from '../core/address.ts';
import type { Block } from '../core/block.ts';
import type { Limit, Rate } from '../core/limits.ts';
import { type Value, valueText } from '../core/value.ts';
import type { Counts } from '../counters/counters.ts';
import { MemoryCounters } from '../counters/memory-counters.ts';
import type { Enforcer } from '../enforcers/enforcer.ts';
import { ClassTable } from '../gatekeeper/class-table.ts';
import { Gatekeeper } from '../gatekeeper/gatekeeper.ts';
import { Health } from '../health/health.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { doNow } from '../runtime/work.ts';
import { MemoryStore } from '../store/memory-store.ts';
import { longestLine } from '../wire/line-splitter.ts';
import { RawLine } from '../wire/raw-line.ts';
import { ClientTable } from './client-table.ts';
import { ObservedCounters } from './observed-counters.ts';
import type { ReplayObserver, ReplayOutcome } from './replay-observer.ts';

const silent: Log = { info() {}, warn() {}, error() {} };

/** The fullest window of a limit, and whose it was. */
export type LimitPeak = { readonly rate: Rate; count: number; row: number };

/** A limit of a class, and how near its values came. */
export type ReplayedLimit = { readonly limit: Limit; readonly peaks: readonly LimitPeak[] };

/** A class, its clients and its limits. */
export type ReplayedClass = {
  readonly known: LimitClass;
  readonly clients: ClientTable;
  readonly limits: ReadonlyMap<readonly Rate[], ReplayedLimit>;
  /** By row of a client: the line with which it would ask. */
  readonly lines: string[];
  /** Connections from what is no address. */
  notCounted: number;
};

/** The class without its dry run. Each limit has rates of its own, by which it is known in a hit. */
function toReplay(known: LimitClass): LimitClass {
  const limits = known.limits.map((limit) => ({ ...limit, rates: [...limit.rates] }));
  return { ...known, limits, dryRun: false };
}

function replayedClass(known: LimitClass): ReplayedClass {
  const limits = known.limits.map((limit): [readonly Rate[], ReplayedLimit] => {
    const peaks = limit.rates.map((rate) => ({ rate, count: 0, row: -1 }));
    return [limit.rates, { limit, peaks }];
  });
  return { known, clients: new ClientTable(), limits: new Map(limits), lines: [], notCounted: 0 };
}

export class ReplayedRater {
  readonly config: Config;
  readonly classes: ReadonlyMap<string, ReplayedClass>;
  readonly health: Health;
  readonly #table: ClassTable;
  readonly #gatekeeper: Gatekeeper;
  readonly #clock: Clock;
  readonly #observer: ReplayObserver;
  /** Who is counted now, because its hit comes right after. */
  #class: ReplayedClass | undefined;
  #value: Value = 0;
  #row = -1;
  readonly #line = Object.assign(new RawLine(), { bytes: Buffer.alloc(longestLine) });

  constructor(config: Config, clock: Clock, observer: ReplayObserver) {
    const classes = [...config.classes.values()].map(toReplay);
    this.config = { ...config, classes: new Map(classes.map((known) => [known.name, known])) };
    this.classes = new Map(classes.map((known) => [known.name, replayedClass(known)]));
    this.#clock = clock;
    this.#observer = observer;
    // Nobody waits for a line about several events of a minute.
    this.health = new Health(silent, clock, () => {});
    this.#table = new ClassTable(this.config);
    const { maxValues } = config.settings;
    const counters = new MemoryCounters(maxValues, () => this.health.warn('value forgotten'));
    this.#gatekeeper = new Gatekeeper({
      config: this.config,
      health: this.health,
      store: new MemoryStore(),
      counters: new ObservedCounters(counters, (...hit) => this.#notePeak(...hit)),
      enforcers: [this.#watchBlocks()],
      log: silent,
      clock,
      random: () => 0,
      isOverloaded: () => false,
    });
    this.#gatekeeper.start();
  }

  /** The row of the client in its class; undefined for what is no address in a class of addresses. */
  rowOf(replayed: ReplayedClass, value: Value): number | undefined {
    const { known, clients } = replayed;
    if (known.addresses && known.prefix4 === 32 && typeof value === 'number') {
      const row = clients.rowOf(value);
      this.#noteLine(replayed, row, value);
      return row;
    }
    return this.#generalRowOf(replayed, value);
  }

  /** A connection now, of the client in this row. */
  connection(replayed: ReplayedClass, value: Value, row: number): ReplayOutcome {
    const { clients } = replayed;
    [this.#class, this.#value, this.#row] = [replayed, value, row];
    clients.connections[row] = (clients.connections[row] as number) + 1;
    const line = typeof value === 'number' ? replayed.lines[row] : undefined;
    const outcome = line && this.#isLetInShortly(line) ? 'let in' : this.#ask(replayed, value);
    if (outcome !== 'let in') clients.refused[row] = (clients.refused[row] as number) + 1;
    this.#class = undefined;
    return outcome;
  }

  /** Ends the blocks that are over. */
  endBlocks(): void {
    const { blocks } = this.#gatekeeper;
    if (blocks.size > 0 && (blocks.nextEndMs() ?? 0) <= this.#clock.wallMs()) blocks.reap();
  }

  /** Notices that the clock was set, and has the blocks move along. */
  followClock(): void {
    this.#gatekeeper.blocks.reap();
  }

  /** Forgets what no longer counts. Returns how many values are left. */
  sweep(): number {
    doNow(this.#gatekeeper.sweeping());
    return this.#gatekeeper.trackedValues;
  }

  /** Whether the client is allowlisted, or has another limit than this one. */
  isExempt({ known }: ReplayedClass, value: Value, general: Limit | undefined): boolean {
    const text = valueText(value);
    const address = known.addresses ? parseAddress(text) : undefined;
    if (address && this.#gatekeeper.allowlist.covering(address)) return true;
    return this.#table.targetOf(known, text, address).limit !== general;
  }

  /** The limit that holds for a client, given as its class counts it. */
  limitOf({ known }: ReplayedClass, text: string): Limit | undefined {
    return this.#table.targetOf(known, text, known.addresses ? parseNetwork(text) : undefined)
      .limit;
  }

  #generalRowOf(replayed: ReplayedClass, value: Value): number | undefined {
    const { known, clients } = replayed;
    const text = valueText(value);
    const address = known.addresses ? parseAddress(text) : undefined;
    if (known.addresses && !address) return undefined;
    return clients.rowOf(this.#table.targetOf(known, text, address).key.value);
  }

  #noteLine({ known, lines }: ReplayedClass, row: number, bits: number): void {
    lines[row] ??= `${known.name} ${ipv4Text(bits)}`;
  }

  #isLetInShortly(line: string): boolean {
    this.#line.end = this.#line.bytes.write(line, 'latin1');
    return this.#gatekeeper.hitShortly(this.#line, this.#clock.monotonicMs()) !== undefined;
  }

  /** As ratecheck would, unless the server keeps the client out itself. */
  #ask({ known }: ReplayedClass, value: Value): ReplayOutcome {
    const text = valueText(value);
    const address = known.addresses ? parseAddress(text) : undefined;
    if (address && this.#gatekeeper.blocks.active(address)) return 'kept out';
    const request = { class: known.name, value: text, isSession: false };
    const reply = this.#gatekeeper.hit(request);
    if (reply instanceof Promise || reply.status === 2) throw new Error(`no verdict on ${text}`);
    if (reply.status === 0) return 'let in';
    return reply.secondsLeft === undefined ? 'refused' : 'blocked';
  }

  #notePeak(name: string, value: Value, rates: readonly Rate[], counts: Counts): void {
    const isCurrent = value === this.#value && name === this.#class?.known.name;
    const replayed = isCurrent ? this.#class : this.classes.get(name);
    const limit = replayed?.limits.get(rates);
    if (!replayed || !limit) return;
    const { clients } = replayed;
    const row = isCurrent ? this.#row : clients.rowOf(value);
    for (let index = 0; index < rates.length; index += 1) {
      const rate = rates[index] as Rate;
      const count = counts[index] as number;
      const peak = limit.peaks[index] as LimitPeak;
      if (count > peak.count) [peak.count, peak.row] = [count, row];
      const before = rates[clients.peakRates[row] as number] as Rate;
      if (count * before.count > (clients.peakCounts[row] as number) * rate.count) {
        clients.peakCounts[row] = count;
        clients.peakRates[row] = index;
      }
    }
  }

  /** An enforcer through which blocks are seen as a server sees them. */
  #watchBlocks(): Enforcer {
    return {
      name: 'replay',
      impose: (block) => {
        this.#begin(block);
        return 'in force';
      },
      lift: ({ address, untilMs }) => {
        this.#observer.unblocked?.(Math.min(untilMs, this.#clock.wallMs()), address.text);
        return true;
      },
      canRefuse: () => true,
      entryOwner: () => 'absent',
      reconcile() {},
      watch() {},
      close() {},
    };
  }

  #begin(block: Block): void {
    const { address, class: name, sinceMs, untilMs, times } = block;
    const replayed = this.classes.get(name);
    if (!replayed) return;
    replayed.clients.addBlock(replayed.clients.rowOf(address.text), block);
    this.#observer.blocked?.(sinceMs, address.text, name, (untilMs - sinceMs) / 1000, times);
  }
}
