/**
 * The ways in which rater may do less than it should, and what came of each since its start: how
 * often, when first and last, and since when now. `status`, `doctor` and the manual read the table.
 *
 * Guarantee: what is kept does not grow with how often something happens.
 */
import type { Clock } from '../runtime/clock.ts';
import { degradedModes, type ModeName } from './degraded-modes.ts';

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

type Current = Trouble & { what: string; failures: number };
type Past = { count: number; readonly firstMs: number; lastMs: number };

export class Degradations {
  readonly #clock: Clock;
  readonly #past = new Map<ModeName, Past>();
  readonly #current = new Map<ModeName, Map<string, Current>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts one more time; from now on it is so, until `ended`. */
  note(mode: ModeName, part = '', what = ''): void {
    const nowMs = this.#clock.wallMs();
    const past = this.#past.get(mode) ?? { count: 0, firstMs: nowMs, lastMs: nowMs };
    past.count += 1;
    past.lastMs = nowMs;
    this.#past.set(mode, past);
    const parts = this.#current.get(mode) ?? new Map<string, Current>();
    const trouble = parts.get(part) ?? { mode, part, what, sinceMs: nowMs, failures: 0 };
    trouble.what = what;
    trouble.failures += 1;
    this.#current.set(mode, parts.set(part, trouble));
  }

  ended(mode: ModeName, part = ''): void {
    this.#current.get(mode)?.delete(part);
  }

  /**
   * What waits to be mended, in the order of the table. A part of which two modes hold is told once:
   * a cdb that does not compile is also a server that cannot be told.
   */
  troubles(): Trouble[] {
    const found = new Map<string, Trouble>();
    for (const mode of names) {
      if (degradedModes[mode].ends !== 'mended') continue;
      for (const trouble of this.#current.get(mode)?.values() ?? []) {
        found.set(trouble.part, trouble);
      }
    }
    return [...found.values()];
  }

  /** Every mode, in the order of the table. */
  tallies(): Tally[] {
    return names.map((mode) => {
      const { count = 0, firstMs, lastMs } = this.#past.get(mode) ?? {};
      const parts = [...(this.#current.get(mode)?.values() ?? [])];
      const sinceMs = parts.length > 0 ? Math.min(...parts.map((each) => each.sinceMs)) : undefined;
      return { mode, count, firstMs, lastMs, sinceMs };
    });
  }
}

const names = Object.keys(degradedModes) as ModeName[];
