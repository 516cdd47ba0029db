/**
 * Room for connections of one or several listeners.
 *
 * Guarantee: at most `most` are open at once. Whoever comes when there is no room is closed at
 * once, so that ratecheck fails open without waiting; the clients that are connected stay.
 *
 * Some descriptors are kept free of checks in any case: for the operator, by both of his listeners,
 * the files of blocks and the store. Without any, libuv closes new connections and tells nobody.
 */
import { maxDescriptors } from './connections.ts';

/** How many may be connected to each of the operator's listeners. */
export const maxOperators = 64;
const keptFree = 48 + 2 * maxOperators;

/** How many connections for checks may be open, where the configuration says `wanted`. */
export function maxChecks(wanted: number): number {
  const descriptors = maxDescriptors() ?? Number.POSITIVE_INFINITY;
  return Math.min(wanted, Math.max(1, descriptors - keptFree));
}

export class ConnectionLimit {
  readonly #max: number;
  readonly #onRefusal: (open: number) => void;
  readonly #whole: ConnectionLimit | undefined;
  #open = 0;

  /** A part of a `whole` has to find room in that as well. */
  constructor(most: number, onRefusal: (open: number) => void, whole?: ConnectionLimit) {
    this.#max = most;
    this.#onRefusal = onRefusal;
    this.#whole = whole;
  }

  /** Half of this room, and at least one place. */
  half(): ConnectionLimit {
    return new ConnectionLimit(Math.ceil(this.#max / 2), this.#onRefusal, this);
  }

  /** Gives a place, until `leave`, or says that there is none: the connection is to be closed. */
  enter(): boolean {
    if (this.#open >= this.#max) {
      this.#onRefusal(this.#open);
      return false;
    }
    if (this.#whole?.enter() === false) return false;
    this.#open += 1;
    return true;
  }

  leave(): void {
    this.#open -= 1;
    this.#whole?.leave();
  }
}
