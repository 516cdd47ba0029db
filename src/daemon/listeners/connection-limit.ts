/**
 * Bounds the open connections of one or several listeners.
 *
 * Guarantee: at most `max` are open at once. A connection more is closed at once, so that ratecheck
 * fails open without waiting; the clients that are connected stay.
 *
 * Checks never take all descriptors: some stay free for the operator's two listeners, the files of
 * blocks and the store. Without a free one, libuv closes new connections silently.
 */
import { maxDescriptors } from './connections.ts';

/** How many may be connected to each of the operator's listeners. */
export const maxOperators = 64;
const keptFree = 48 + 2 * maxOperators;

/** How many connections for checks may be open when the configuration wants `wanted`. */
export function maxChecks(wanted: number): number {
  const descriptors = maxDescriptors() ?? Number.POSITIVE_INFINITY;
  return Math.min(wanted, Math.max(1, descriptors - keptFree));
}

export class ConnectionLimit {
  readonly #max: number;
  readonly #onRefusal: (open: number) => void;
  readonly #whole: ConnectionLimit | undefined;
  #open = 0;

  /** Connections of a part count in the `whole` as well. */
  constructor(max: number, onRefusal: (open: number) => void, whole?: ConnectionLimit) {
    this.#max = max;
    this.#onRefusal = onRefusal;
    this.#whole = whole;
  }

  /** A part of this limit with half of its places, at least one. */
  half(): ConnectionLimit {
    return new ConnectionLimit(Math.ceil(this.#max / 2), this.#onRefusal, this);
  }

  /** Takes a place until `leave`; false when none is left and the connection must be closed. */
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
