/**
 * Warnings that may come by the thousand.
 *
 * Guarantee: of each event there is at most one line a minute, and the `count`s of its lines add up
 * to how often it happened: the first is told at once, the others together when the minute is over.
 */
import type { Fields, Log } from './log.ts';

const pauseMs = 60_000;

type Level = 'warn' | 'error';
type Untold = { readonly count: number; readonly fields: Fields };

/** Does not keep a process alive that has nothing else to do. */
function afterPause(task: () => void): void {
  setTimeout(task, pauseMs).unref();
}

export class RareLog {
  readonly #log: Log;
  readonly #after: (task: () => void) => void;
  readonly #untold = new Map<string, Untold>();

  /** `after` runs its task when the minute is over. */
  constructor(log: Log, after: (task: () => void) => void = afterPause) {
    this.#log = log;
    this.#after = after;
  }

  warn(event: string, fields: Fields = {}): void {
    this.#note('warn', event, fields);
  }

  error(event: string, fields: Fields = {}): void {
    this.#note('error', event, fields);
  }

  #note(level: Level, event: string, fields: Fields): void {
    const untold = this.#untold.get(event);
    if (untold) this.#untold.set(event, { count: untold.count + 1, fields });
    else this.#tell(level, event, { count: 1, fields });
  }

  #tell(level: Level, event: string, { count, fields }: Untold): void {
    this.#log[level](event, { ...fields, count });
    this.#untold.set(event, { count: 0, fields });
    this.#after(() => {
      const untold = this.#untold.get(event);
      this.#untold.delete(event);
      if (untold && untold.count > 0) this.#tell(level, event, untold);
    });
  }
}
