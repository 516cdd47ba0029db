/**
 * What is wrong with this process and what was: each degraded mode, how often, when first and last,
 * and of which parts it holds now. `status`, `doctor` and the manual read it by the table of modes.
 *
 * Guarantee: trouble with a part is logged when it begins, changes its kind and ends, and not at
 * every attempt in between, of which each may be about another file. Every attempt is counted.
 * Guarantee: of each event there is at most one line a minute, and the `count`s of its lines add up
 * to how often it happened: the first is told at once, the others together when the minute is over.
 * Guarantee: what is kept does not grow with how often something happens.
 */
import type { Clock } from '../runtime/clock.ts';
import { errnoOf, Fault } from '../runtime/errors.ts';
import type { Fields, Log } from '../runtime/log.ts';
import { degradedModes, type EventName, type ModeName } from './degraded-modes.ts';

/** What is wrong now with one part. Instants are wall clock milliseconds. */
export type Trouble = {
  readonly mode: ModeName;
  readonly part: string;
  readonly what: string;
  readonly sinceMs: number;
  /** How often since then. */
  readonly failures: number;
};

/** What came of a mode since the start; without `lastMs` nothing. */
export type Tally = {
  readonly mode: ModeName;
  readonly count: number;
  readonly firstMs: number | undefined;
  readonly lastMs: number | undefined;
  /** Undefined: it is not so now. */
  readonly sinceMs: number | undefined;
};

/** What is kept of a mode; `parts` are those that are in it now, the longest in front. */
type Kept = {
  count: number;
  firstMs: number | undefined;
  lastMs: number | undefined;
  readonly parts: Map<string, Trouble & { readonly kind: string }>;
};

type Level = 'warn' | 'error';
type Untold = { readonly count: number; readonly fields: Fields };

const names = Object.keys(degradedModes) as ModeName[];
/** An event is about no part of its own. */
const noPart = '';

/** Does not keep a process alive that has nothing else to do. */
function afterMinute(task: () => void): void {
  setTimeout(task, 60_000).unref();
}

function nothingYet(): Kept {
  return { count: 0, firstMs: undefined, lastMs: undefined, parts: new Map() };
}

export class Health {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #afterMinute: (task: () => void) => void;
  readonly #kept = Object.fromEntries(names.map((mode) => [mode, nothingYet()])) as Readonly<
    Record<ModeName, Kept>
  >;
  /** Of each event that was logged within a minute: how often it happened since, and the last. */
  readonly #untold = new Map<EventName, Untold>();

  /** `after` runs its task when a minute is over. */
  constructor(log: Log, clock: Clock, after: (task: () => void) => void = afterMinute) {
    this.#log = log;
    this.#clock = clock;
    this.#afterMinute = after;
  }

  /** Tells of an event that may come by the thousand, also of so many at once. */
  warn(event: EventName, fields: Fields = {}, times = 1): void {
    this.#happened('warn', event, fields, times);
  }

  error(event: EventName, fields: Fields = {}): void {
    this.#happened('error', event, fields, 1);
  }

  /** Does `work` for `part`; a Fault becomes the part's trouble and undefined the answer. */
  try<T>(mode: ModeName, part: string, work: () => T): T | undefined {
    return this.attempt(mode, part, () => {
      const done = work();
      this.worked(mode, part);
      return done;
    });
  }

  /** The same with one thing of many: that it works does not mend what has failed. */
  attempt<T>(mode: ModeName, part: string, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.failed(mode, part, error.message, errnoOf(error.cause));
      return undefined;
    }
  }

  /** What is of the same `kind` as before, by default the same sentence, is the same trouble. */
  failed(mode: ModeName, part: string, what: string, kind = what): void {
    if (this.note(mode, part, what, kind)) this.#log.error('trouble', { part, what });
  }

  worked(mode: ModeName, part: string): void {
    if (this.ended(mode, part)) this.#log.info('recovered', { part });
  }

  /** As `failed`, for callers that log it themselves; says whether this is another trouble. */
  note(mode: ModeName, part: string, what: string, kind = what, times = 1): boolean {
    const nowMs = this.#clock.wallMs();
    const kept = this.#kept[mode];
    kept.count += times;
    kept.firstMs ??= nowMs;
    kept.lastMs = nowMs;
    const before = kept.parts.get(part);
    const { sinceMs, failures } = before ?? { sinceMs: nowMs, failures: 0 };
    kept.parts.set(part, { mode, part, what, kind, sinceMs, failures: failures + times });
    return before?.kind !== kind;
  }

  /** As `worked`, for callers that log it themselves; says whether there was trouble. */
  ended(mode: ModeName, part: string): boolean {
    return this.#kept[mode].parts.delete(part);
  }

  /** What is wrong now with the part, or without one with that which is in the mode for longest. */
  trouble(mode: ModeName, part?: string): Trouble | undefined {
    const { parts } = this.#kept[mode];
    return part === undefined ? [...parts.values()][0] : parts.get(part);
  }

  /**
   * What waits to be mended, in the order of the table. A part of which two modes hold is told once:
   * a cdb that does not compile is also a server that cannot be told.
   */
  troubles(): Trouble[] {
    const lasting = names.filter((mode) => degradedModes[mode].ends === 'mended');
    const all = lasting.flatMap((mode) => [...this.#kept[mode].parts.values()]);
    return [...new Map(all.map((trouble) => [trouble.part, trouble])).values()];
  }

  /** What came of one mode. */
  tally(mode: ModeName): Tally {
    const { count, firstMs, lastMs } = this.#kept[mode];
    return { mode, count, firstMs, lastMs, sinceMs: this.trouble(mode)?.sinceMs };
  }

  /** Every mode, in the order of the table. */
  tallies(): Tally[] {
    return names.map((mode) => this.tally(mode));
  }

  #happened(level: Level, event: EventName, fields: Fields, times: number): void {
    this.note(event, noPart, '', '', times);
    const untold = this.#untold.get(event);
    if (untold) this.#untold.set(event, { count: untold.count + times, fields });
    else this.#tell(level, event, { count: times, fields });
  }

  #tell(level: Level, event: EventName, { count, fields }: Untold): void {
    this.#log[level](event, { ...fields, count });
    this.#untold.set(event, { count: 0, fields });
    this.#afterMinute(() => {
      const untold = this.#untold.get(event);
      this.#untold.delete(event);
      if (untold && untold.count > 0) this.#tell(level, event, untold);
      else this.ended(event, noPart);
    });
  }
}
