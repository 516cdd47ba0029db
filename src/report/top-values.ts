/**
 * Tallies of the values that come most often, in bounded memory. While there were never more values
 * than have room all is exact. Then the rarest are forgotten, by the method Space-Saving: one that
 * comes again may have come before as often as the most frequent of those that were forgotten.
 *
 * Guarantee: a value's tallies are never too large, and too small by `missed` notes at most; a value
 * noted more often than `mostMissed` is there.
 */

import type { Value } from '../core/value.ts';

export type ValueTally = {
  readonly value: Value;
  /** The network that the value lies in; undefined for what lies in none. */
  readonly network: Value | undefined;
  /** How often it was noted since it is kept. */
  notes: number;
  /** How often it may have been noted before. */
  readonly missed: number;
  connections: number;
  refused: number;
  blocks: number;
  /** How long all its blocks were meant to last, in seconds. */
  blockedSeconds: number;
  /** When the last of them began, wall milliseconds; 0 without one. */
  lastBlockMs: number;
};

const usualRoom = 100_000;

export class TopValues {
  readonly #tallies = new Map<Value, ValueTally>();
  readonly #room: number;
  readonly #networkOf: (value: Value) => Value | undefined;
  #mostMissed = 0;

  /** Up to twice `room` values are kept. */
  constructor(networkOf: (value: Value) => Value | undefined, room = usualRoom) {
    this.#networkOf = networkOf;
    this.#room = room;
  }

  /** No value was missed more often; 0 while all is exact. */
  get mostMissed(): number {
    return this.#mostMissed;
  }

  /** How many there are. */
  get size(): number {
    return this.#tallies.size;
  }

  /** Notes the value once. Returns its tally, to add to at once. */
  note(value: Value): ValueTally {
    const tally = this.#tallies.get(value) ?? this.#add(value);
    tally.notes += 1;
    return tally;
  }

  /** Those with the most of it, the most first; none that has nothing of it. */
  most(amount: (tally: ValueTally) => number, count: number): ValueTally[] {
    return [...this.#tallies.values()]
      .filter((tally) => amount(tally) > 0)
      .sort((a, b) => amount(b) - amount(a))
      .slice(0, count);
  }

  #add(value: Value): ValueTally {
    if (this.#tallies.size >= 2 * this.#room) this.#forgetRarest();
    const tally: ValueTally = {
      value,
      network: this.#networkOf(value),
      notes: 0,
      missed: this.#mostMissed,
      connections: 0,
      refused: 0,
      blocks: 0,
      blockedSeconds: 0,
      lastBlockMs: 0,
    };
    this.#tallies.set(value, tally);
    return tally;
  }

  #forgetRarest(): void {
    const notes = Float64Array.from(this.#tallies.values(), mostNotes).sort();
    const most = notes[notes.length - this.#room - 1] as number;
    for (const [value, tally] of this.#tallies) {
      if (mostNotes(tally) <= most) this.#tallies.delete(value);
    }
    this.#mostMissed = most;
  }
}

function mostNotes({ notes, missed }: ValueTally): number {
  return notes + missed;
}
