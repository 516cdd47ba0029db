/**
 * Replays logs: gives every connection in them to one or two configurations and to candidate limits,
 * and sums up what would have become of it.
 *
 * Guarantee: nobody is blocked, and neither a running rater nor its database is touched. Memory depends
 * on the number of clients, not on that of lines.
 */
import type { Config, LimitClass } from '../config/config.ts';
import type { Limit, Rate } from '../core/limits.ts';
import type { Value } from '../core/value.ts';
import type { LogCursor } from '../logs/log-cursor.ts';
import { logSets } from '../logs/log-set.ts';
import { LogTally } from '../logs/log-tally.ts';
import { mergeLogs } from '../logs/merged-logs.ts';
import type { Clock } from '../runtime/clock.ts';
import { Fault } from '../runtime/errors.ts';
import { quoted } from '../runtime/log.ts';
import { CandidateLimits } from './candidate-limits.ts';
import { LogClock } from './log-clock.ts';
import type { ReplayObserver, ReplayOutcome } from './replay-observer.ts';
import { type ReplayedClass, ReplayedRater } from './replayed-rater.ts';
import { TimeSpan } from './time-span.ts';

export type ReplayOptions = {
  /** Paths of logs and of loggers' directories; `-` is standard input. */
  readonly paths: readonly string[];
  readonly config: Config;
  /** Another configuration to compare with. */
  readonly against?: Config | undefined;
  /** The class of connections to servers, and of hits of rater the only one; undefined: `ip`, and all. */
  readonly class?: string | undefined;
  /** Wall milliseconds: connections before and from then on are left out. */
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
  /** Limits to try; undefined: some around that of the configuration. */
  readonly rates?: readonly Rate[] | undefined;
  /** See StampRules; undefined: as each log itself tells. */
  readonly taiSeconds?: number | undefined;
  readonly observer?: ReplayObserver;
  /** Called after each piece of a log with the bytes read, and those of all files. */
  readonly onProgress?: (read: number, all: number) => void;
  readonly clock: Clock;
};

/** A log that could not be read to its end. */
export type LogTrouble = { readonly file: string; readonly what: string };

export type Replay = {
  readonly tally: LogTally;
  readonly troubles: readonly LogTrouble[];
  readonly span: TimeSpan;
  readonly rater: ReplayedRater;
  readonly against: ReplayedRater | undefined;
  /** The class whose general limit the candidates replace. */
  readonly main: ReplayedClass;
  readonly candidates: CandidateLimits;
  /** By row of the main class: whether the candidates leave the client alone. */
  readonly isExempt: readonly boolean[];
  /** Connections outside of --since and --until, and of other classes. */
  readonly leftOut: number;
  /** Hits of classes that the configuration has not. */
  readonly ofUnknownClass: number;
  /** Whether servers and rater both tell of connections of the main class. */
  readonly isDouble: boolean;
  /** How long it took. */
  readonly seconds: number;
};

/** A longer time is gone through in pieces, because windows know instants of the last 49 days only. */
const stepMs = 10 * 86_400_000;
/** Connections between two sweeps, beside twice the values that were left by the last. */
const sweptEvery = 20_000;

const counts = [5, 10, 20, 40, 80];
const windows = [60, 600, 3600];

/** The limit that holds for everybody without one of his own. */
function generalLimit({ limits }: LimitClass): Limit | undefined {
  const isGeneral = ({ pattern: { text, network } }: Limit) =>
    text === '*' || network?.prefixLength === 0;
  return limits.find(isGeneral) ?? limits.at(-1);
}

/** The rates of the limit, half and double of them, and those of a common ladder. */
export function ratesToTry(general: Limit | undefined): Rate[] {
  const own = (general?.rates ?? []).filter(({ count }) => count > 0);
  const around = own.flatMap(({ seconds, count }) => {
    return [Math.ceil(count / 2), count, count * 2].map((each) => ({ seconds, count: each }));
  });
  const ladder = windows.flatMap((seconds, index) => {
    if (own.some((rate) => rate.seconds === seconds)) return [];
    return counts.slice(index, index + 3).map((count) => ({ seconds, count: count * 2 ** index }));
  });
  const all = [...around, ...ladder].sort((a, b) => a.seconds - b.seconds || a.count - b.count);
  const isNew = (rate: Rate, index: number) => {
    const before = all[index - 1];
    return before?.seconds !== rate.seconds || before.count !== rate.count;
  };
  return all.filter(isNew);
}

/** @throws Fault `logInput`, `usage` */
export async function replay(options: ReplayOptions): Promise<Replay> {
  const { clock: stopwatch, observer = {} } = options;
  const startedMs = stopwatch.monotonicMs();
  const logs = logSets(options.paths, stopwatch.wallMs());
  const bytes = logs.reduce((sum, log) => sum + log.bytes, 0);
  const replaying = new Replaying(options, observer);
  const tally = new LogTally();
  const troubles: LogTrouble[] = [];
  const merging = {
    tally,
    taiSeconds: options.taiSeconds,
    onProgress: (read: number) => options.onProgress?.(read, bytes),
    onTrouble: (file: string, what: string) => troubles.push({ file, what }),
  };
  await mergeLogs(logs, merging, (connection) => replaying.take(connection));
  replaying.end();
  const seconds = (stopwatch.monotonicMs() - startedMs) / 1000;
  return { tally, troubles, seconds, ...replaying.found() };
}

class Replaying {
  readonly #span = new TimeSpan();
  readonly #rater: ReplayedRater;
  readonly #against: ReplayedRater | undefined;
  readonly #main: ReplayedClass;
  readonly #general: Limit | undefined;
  readonly #candidates: CandidateLimits;
  readonly #isExempt: boolean[] = [];
  #leftOut = 0;
  #ofUnknownClass = 0;
  readonly #clock = new LogClock();
  readonly #observer: ReplayObserver;
  readonly #chosen: string | undefined;
  readonly #sinceMs: number;
  readonly #untilMs: number;
  #untilSweep = sweptEvery;
  #sweptMs = 0;
  #byServer = false;
  #byRater = false;
  #hasBegun = false;

  constructor(options: ReplayOptions, observer: ReplayObserver) {
    const { config, against, class: chosen } = options;
    this.#observer = observer;
    this.#chosen = chosen;
    this.#sinceMs = options.sinceMs ?? Number.NEGATIVE_INFINITY;
    this.#untilMs = options.untilMs ?? Number.POSITIVE_INFINITY;
    this.#rater = new ReplayedRater(config, this.#clock, observer);
    this.#against = against && new ReplayedRater(against, this.#clock, {});
    this.#main = mainClass(this.#rater, chosen);
    const { known } = this.#main;
    this.#general = generalLimit(known);
    const { blocking } = config;
    const penalty = blocking.classes.has(known.name) ? blocking.penalty : undefined;
    const rates = options.rates ?? ratesToTry(this.#general);
    this.#candidates = new CandidateLimits(rates, penalty, this.#clock);
  }

  take(connection: LogCursor): void {
    const { atMs, class: named, value } = connection;
    const isOther = named !== '' && this.#chosen !== undefined && named !== this.#chosen;
    if (isOther || atMs < this.#sinceMs || atMs >= this.#untilMs) {
      this.#leftOut += 1;
      return;
    }
    this.#goTo(atMs, connection);
    const name = named || this.#main.known.name;
    if (named === '') this.#byServer = true;
    else if (named === this.#main.known.name) this.#byRater = true;
    const outcome = this.#ask(name, value);
    this.#observer.connection?.(atMs, name, value, outcome);
  }

  /** What has come of it. */
  found(): Omit<Replay, 'tally' | 'troubles' | 'seconds'> {
    return {
      span: this.#span,
      rater: this.#rater,
      against: this.#against,
      main: this.#main,
      candidates: this.#candidates,
      isExempt: this.#isExempt,
      leftOut: this.#leftOut,
      ofUnknownClass: this.#ofUnknownClass,
      isDouble: this.#byServer && this.#byRater,
    };
  }

  /** Ends the blocks that were over before the last connection. */
  end(): void {
    this.#rater.endBlocks();
    this.#against?.endBlocks();
  }

  #ask(name: string, value: Value): ReplayOutcome {
    this.#untilSweep -= 1;
    const against = this.#against;
    const other = against?.classes.get(name);
    const otherRow = other && against?.rowOf(other, value);
    if (against && other && otherRow !== undefined) against.connection(other, value, otherRow);
    const replayed = this.#rater.classes.get(name);
    if (!replayed) {
      this.#ofUnknownClass += 1;
      return 'not counted';
    }
    const row = this.#rater.rowOf(replayed, value);
    if (row === undefined) {
      replayed.notCounted += 1;
      return 'not counted';
    }
    if (replayed === this.#main) this.#try(row, value);
    return this.#rater.connection(replayed, value, row);
  }

  #try(row: number, value: Value): void {
    this.#isExempt[row] ??= this.#rater.isExempt(this.#main, value, this.#general);
    if (!this.#isExempt[row]) this.#candidates.connection(row);
  }

  #goTo(atMs: number, { file, line }: LogCursor): void {
    const clock = this.#clock;
    while (this.#hasBegun && atMs - clock.wallMs() > stepMs) {
      clock.goTo(clock.wallMs() + stepMs);
      // Over nothing that is counted any time can pass at once.
      if (this.#sweep() === 0) break;
    }
    const backMs = clock.goTo(atMs);
    this.#span.add(atMs);
    if (backMs > 0) {
      this.#span.addBackward({ file, line, seconds: Math.round(backMs / 1000) });
      this.#rater.followClock();
      this.#against?.followClock();
    }
    this.#rater.endBlocks();
    this.#against?.endBlocks();
    if (!this.#hasBegun) this.#sweptMs = clock.monotonicMs();
    this.#hasBegun = true;
    if (this.#untilSweep <= 0 || clock.monotonicMs() - this.#sweptMs > stepMs) this.#sweep();
  }

  /**
   * Costs no more than the connections since the last one did, however many values there are. Returns
   * how many windows are left.
   */
  #sweep(): number {
    const left = this.#rater.sweep() + (this.#against?.sweep() ?? 0) + this.#candidates.sweep();
    this.#untilSweep = sweptEvery + 2 * left;
    this.#sweptMs = this.#clock.monotonicMs();
    return left;
  }
}

/** @throws Fault `usage` when the configuration has no such class. */
function mainClass({ classes, config }: ReplayedRater, chosen = 'ip'): ReplayedClass {
  const main = classes.get(chosen);
  if (main) return main;
  const names = [...classes.keys()].join(', ');
  const what = `${config.file} has no class ${quoted(chosen)} in limits`;
  throw new Fault('usage', `${what}: choose one of them with --class: ${names}`);
}
