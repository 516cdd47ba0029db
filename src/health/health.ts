/**
 * What is and was wrong with this process: for each degraded mode how often, when first and last,
 * and which parts are in it now. `status` and `doctor` show it.
 *
 * Guarantee: trouble with a part is logged when it begins, changes its kind and ends, but not at
 * every attempt in between, even if each names another file. Every attempt is counted.
 * Guarantee: each event is logged at most once a minute, and the `count`s of its lines add up to
 * the number of times: the first is logged at once, the others together when the minute is over.
 * Guarantee: memory does not grow with the number of events.
 */
import type { Clock } from '../runtime/clock.ts';
import { errnoOf, Fault } from '../runtime/errors.ts';
import type { Fields, Log } from '../runtime/log.ts';
import {
  type DegradedMode,
  degradedModes,
  type EventName,
  type ModeName,
} from './degraded-modes.ts';

/** What is wrong with one part now. Instants are wall clock milliseconds. */
export type Trouble = {
  readonly mode: ModeName;
  readonly part: string;
  readonly what: string;
  readonly sinceMs: number;
  /** Attempts that failed since then. */
  readonly failures: number;
};

/** How often a mode occurred since the start, and when. */
export type Tally = {
  readonly mode: ModeName;
  readonly count: number;
  readonly firstMs: number | undefined;
  readonly lastMs: number | undefined;
  /** Undefined when the mode does not hold now. */
  readonly sinceMs: number | undefined;
};

/** The record of a mode; `parts` are in it now, the longest first. */
type Kept = {
  count: number;
  firstMs: number | undefined;
  lastMs: number | undefined;
  readonly parts: Map<string, Trouble & { readonly kind: string }>;
};

/** A part came into a mode, or its trouble changed; `part` is '' for `count` events. */
export type TroubleBegan = {
  readonly mode: ModeName;
  readonly effect: DegradedMode['effect'];
  readonly part: string;
  readonly what: string;
  readonly count: number;
};

export type TroubleEnded = {
  readonly mode: ModeName;
  readonly part: string;
  readonly forMs: number;
};

export interface HealthFollower {
  began(trouble: TroubleBegan): void;
  ended(trouble: TroubleEnded): void;
}

type Level = 'warn' | 'error';
type Untold = { readonly count: number; readonly fields: Fields };

const names = Object.keys(degradedModes) as ModeName[];
/** Stands for the part of an event, which has none. */
const noPart = '';

/** Does not keep the process alive. */
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
  /** For each event logged within a minute: how often it happened since, and its last fields. */
  readonly #untold = new Map<EventName, Untold>();
  #follower: HealthFollower | undefined;

  /** `after` runs its task after a minute. */
  constructor(log: Log, clock: Clock, after: (task: () => void) => void = afterMinute) {
    this.#log = log;
    this.#clock = clock;
    this.#afterMinute = after;
  }

  /** Tells one follower from now on, and first of every trouble that there is. */
  follow(follower: HealthFollower): void {
    this.#follower = follower;
    for (const { mode, part, what, failures } of this.troubles()) {
      this.#tellBegan(mode, part, what, failures);
    }
  }

  /** Tells how often events happened that were not told yet. */
  tellUntold(): void {
    for (const [event, untold] of this.#untold) {
      if (untold.count === 0) continue;
      this.#tellOf('warn', event, untold);
      this.#untold.set(event, { count: 0, fields: untold.fields });
    }
  }

  /** Logs an event that may come by the thousand, or of so many at once. */
  warn(event: EventName, fields: Fields = {}, times = 1): void {
    this.#happened('warn', event, fields, times);
  }

  error(event: EventName, fields: Fields = {}): void {
    this.#happened('error', event, fields, 1);
  }

  /** Does `work` for `part`; a Fault becomes the part's trouble, and the result is undefined. */
  try<T>(mode: ModeName, part: string, work: () => T): T | undefined {
    return this.attempt(mode, part, () => {
      const done = work();
      this.worked(mode, part);
      return done;
    });
  }

  /** Like `try` for one item of many, whose success does not end the part's trouble. */
  attempt<T>(mode: ModeName, part: string, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.failed(mode, part, error.message, errnoOf(error.cause));
      return undefined;
    }
  }

  /** Trouble of the same `kind` as before, by default the same sentence, is logged once. */
  failed(mode: ModeName, part: string, what: string, kind = what): void {
    if (this.note(mode, part, what, kind)) this.#log.error('trouble', { part, what });
  }

  worked(mode: ModeName, part: string): void {
    if (this.ended(mode, part)) this.#log.info('recovered', { part });
  }

  /** Like `failed`, for callers that log it themselves; returns whether the trouble is new. */
  note(mode: ModeName, part: string, what: string, kind = what, times = 1): boolean {
    const nowMs = this.#clock.wallMs();
    const kept = this.#kept[mode];
    kept.count += times;
    kept.firstMs ??= nowMs;
    kept.lastMs = nowMs;
    const before = kept.parts.get(part);
    const { sinceMs, failures } = before ?? { sinceMs: nowMs, failures: 0 };
    kept.parts.set(part, { mode, part, what, kind, sinceMs, failures: failures + times });
    const isNew = before?.kind !== kind;
    if (isNew && part !== noPart) this.#tellBegan(mode, part, what, times);
    return isNew;
  }

  /** Like `worked`, for callers that log it themselves; returns whether there was trouble. */
  ended(mode: ModeName, part: string): boolean {
    const { parts } = this.#kept[mode];
    const trouble = parts.get(part);
    if (!trouble) return false;
    parts.delete(part);
    this.#follower?.ended({ mode, part, forMs: this.#clock.wallMs() - trouble.sinceMs });
    return true;
  }

  /** The trouble with this part or, by default, with the part longest in the mode. */
  trouble(mode: ModeName, part?: string): Trouble | undefined {
    const { parts } = this.#kept[mode];
    return part === undefined ? [...parts.values()][0] : parts.get(part);
  }

  /**
   * Every trouble to be mended, in the order of the table. A part in two modes appears once: a cdb
   * that does not compile is also a server that cannot be used.
   */
  troubles(): Trouble[] {
    const lasting = names.filter((mode) => degradedModes[mode].ends === 'mended');
    const all = lasting.flatMap((mode) => [...this.#kept[mode].parts.values()]);
    return [...new Map(all.map((trouble) => [trouble.part, trouble])).values()];
  }

  tally(mode: ModeName): Tally {
    const { count, firstMs, lastMs } = this.#kept[mode];
    return { mode, count, firstMs, lastMs, sinceMs: this.trouble(mode)?.sinceMs };
  }

  /** In the order of the table. */
  tallies(): Tally[] {
    return names.map((mode) => this.tally(mode));
  }

  #happened(level: Level, event: EventName, fields: Fields, times: number): void {
    this.note(event, noPart, '', '', times);
    const untold = this.#untold.get(event);
    if (untold) this.#untold.set(event, { count: untold.count + times, fields });
    else this.#tell(level, event, { count: times, fields });
  }

  #tell(level: Level, event: EventName, untold: Untold): void {
    // First, because the follower may make one more of the event.
    this.#untold.set(event, { count: 0, fields: untold.fields });
    this.#tellOf(level, event, untold);
    this.#afterMinute(() => {
      const untold = this.#untold.get(event);
      this.#untold.delete(event);
      if (untold && untold.count > 0) this.#tell(level, event, untold);
      else this.ended(event, noPart);
    });
  }

  #tellOf(level: Level, event: EventName, { count, fields }: Untold): void {
    this.#log[level](event, { ...fields, count });
    this.#tellBegan(event, noPart, degradedModes[event].sentence, count);
  }

  #tellBegan(mode: ModeName, part: string, what: string, count: number): void {
    const { effect } = degradedModes[mode];
    this.#follower?.began({ mode, effect, part, what, count });
  }
}
