/**
 * Warnings that may come by the thousand: each is a degraded mode, and counted as one.
 *
 * Guarantee: of each event there is at most one line a minute, and the `count`s of its lines add up
 * to how often it happened: the first is told at once, the others together when the minute is over.
 */

import type { Fields, Log } from '../runtime/log.ts';
import type { EventName } from './degraded-modes.ts';
import type { Degradations } from './health.ts';

const pauseMs = 60_000;

type Level = 'warn' | 'error';
type Untold = { readonly count: number; readonly fields: Fields };

/** Does not keep a process alive that has nothing else to do. */
function afterPause(task: () => void): void {
  setTimeout(task, pauseMs).unref();
}

export class RareLog {
  readonly #log: Log;
  readonly #degradations: Degradations;
  readonly #after: (task: () => void) => void;
  readonly #untold = new Map<EventName, Untold>();

  /** `after` runs its task when the minute is over. */
  constructor(
    log: Log,
    degradations: Degradations,
    after: (task: () => void) => void = afterPause,
  ) {
    this.#log = log;
    this.#degradations = degradations;
    this.#after = after;
  }

  warn(event: EventName, fields: Fields = {}): void {
    this.#note('warn', event, fields);
  }

  error(event: EventName, fields: Fields = {}): void {
    this.#note('error', event, fields);
  }

  #note(level: Level, event: EventName, fields: Fields): void {
    this.#degradations.note(event);
    const untold = this.#untold.get(event);
    if (untold) this.#untold.set(event, { count: untold.count + 1, fields });
    else this.#tell(level, event, { count: 1, fields });
  }

  #tell(level: Level, event: EventName, { count, fields }: Untold): void {
    this.#log[level](event, { ...fields, count });
    this.#untold.set(event, { count: 0, fields });
    this.#after(() => {
      const untold = this.#untold.get(event);
      this.#untold.delete(event);
      if (untold && untold.count > 0) this.#tell(level, event, untold);
      else this.#degradations.ended(event);
    });
  }
}
