/**
 * The daemon's own look for an overload, every so many seconds. One look at a time: the next one is
 * planned when the last has ended, however long its command took.
 */

import type { Overload } from '../config/config.ts';
import type { Health } from '../health/health.ts';
import type { Clock } from '../runtime/clock.ts';
import { Fault } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import { type OverloadUpdate, shownPressure, updateOverload } from './overload.ts';

const part = 'overload';

export class OverloadWatch {
  readonly #rule: () => Overload;
  readonly #log: Log;
  readonly #health: Health;
  readonly #clock: Clock;
  #timer: NodeJS.Timeout | undefined;
  #dueMs: number | undefined;
  #isLooking = false;
  #isStopped = true;

  constructor(rule: () => Overload, log: Log, health: Health, clock: Clock) {
    this.#rule = rule;
    this.#log = log;
    this.#health = health;
    this.#clock = clock;
  }

  /** When the next look is due on the monotonic clock, or undefined. */
  get dueMs(): number | undefined {
    return this.#dueMs;
  }

  /** Looks now, and from then on as the rule says. Call it again when the rule has changed. */
  start(): void {
    this.#isStopped = false;
    if (this.#isLooking) return;
    clearTimeout(this.#timer);
    this.#plan(0);
  }

  stop(): void {
    this.#isStopped = true;
    this.#dueMs = undefined;
    clearTimeout(this.#timer);
  }

  #plan(waitMs: number): void {
    this.#dueMs = undefined;
    if (this.#isStopped || this.#rule().everySeconds === 0) return;
    this.#dueMs = this.#clock.monotonicMs() + waitMs;
    this.#timer = setTimeout(() => void this.#look(), waitMs);
  }

  async #look(): Promise<void> {
    this.#isLooking = true;
    this.#dueMs = undefined;
    const rule = this.#rule();
    try {
      this.#tell(await updateOverload(rule), rule);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#health.failed('overload', part, error.message);
    } finally {
      this.#isLooking = false;
      this.#plan(this.#rule().everySeconds * 1000);
    }
  }

  #tell({ isOn, hasChanged, pressure }: OverloadUpdate, rule: Overload): void {
    this.#health.worked('overload', part);
    if (!hasChanged) return;
    const fields = { queue: shownPressure(pressure, rule), file: rule.file };
    if (isOn) this.#log.warn('overload began', fields);
    else this.#log.info('overload ended', fields);
  }
}
