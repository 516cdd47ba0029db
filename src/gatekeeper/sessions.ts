/**
 * Sessions that are open now, per class and value: the connections that ratecheck keeps open for
 * as long as its client's session lasts. When either side dies, however it dies, the kernel closes
 * the connection, so there is nothing to poll and no session that is not there.
 */
import type { Subject } from '../counters/counters.ts';

/** A connection that stands for a session. `onEnd` runs when it is closed. */
export type Holder = { onEnd(work: () => void): void };

function keyOf({ class: name, value }: Subject): string {
  return `${name} ${value}`;
}

export class Sessions {
  readonly #open = new Map<string, number>();

  /** How many sessions the value has in its class. */
  count(subject: Subject): number {
    return this.#open.get(keyOf(subject)) ?? 0;
  }

  /** How many there are of all values and classes. */
  get size(): number {
    let size = 0;
    for (const count of this.#open.values()) size += count;
    return size;
  }

  /** Counts a session of the value until its holder ends. */
  enter(subject: Subject, holder: Holder): void {
    const key = keyOf(subject);
    this.#open.set(key, (this.#open.get(key) ?? 0) + 1);
    holder.onEnd(() => this.#leave(key));
  }

  #leave(key: string): void {
    const left = (this.#open.get(key) ?? 0) - 1;
    if (left > 0) this.#open.set(key, left);
    else this.#open.delete(key);
  }
}
