/**
 * Room for connections of several listeners together.
 *
 * Guarantee: at most `most` are open at once. Whoever comes when there is no room is closed at
 * once, so that ratecheck fails open without waiting; the clients that are connected stay.
 *
 * Some descriptors are kept free in any case: for the operator, the files of blocks and the store.
 * Without any, libuv closes new connections and tells nobody.
 */
import type { RareLog } from '../rare-log.ts';
import { mostDescriptors } from './connections.ts';

const keptFree = 48;

export class ConnectionRoom {
  readonly #most: number;
  readonly #rareLog: RareLog;
  #open = 0;

  constructor(most: number, rareLog: RareLog) {
    const descriptors = mostDescriptors() ?? Number.POSITIVE_INFINITY;
    this.#most = Math.min(most, Math.max(1, descriptors - keptFree));
    this.#rareLog = rareLog;
  }

  /** Gives a place, until `leave`, or says that there is none: the connection is to be closed. */
  enter(): boolean {
    if (this.#open >= this.#most) {
      this.#rareLog.warn('connection refused', { open: this.#open });
      return false;
    }
    this.#open += 1;
    return true;
  }

  leave(): void {
    this.#open -= 1;
  }
}
