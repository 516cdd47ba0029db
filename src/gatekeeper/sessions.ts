/**
 * Sessions that are open now, per class and value: the connections that ratecheck keeps open for
 * as long as its client's session lasts. When either side dies, however it dies, the kernel closes
 * the connection, so there is nothing to poll and a dead session never counts.
 */
import type { CounterKey } from '../counters/counters.ts';

/** A connection that stands for a session. `onEnd` runs when it is closed. */
export type Holder = { onEnd(work: () => void): void };

function textOf({ class: name, value }: CounterKey): string {
  return `${name} ${value}`;
}

export class Sessions {
  readonly #open = new Map<string, number>();

  /** How many sessions the value has in its class. */
  count(key: CounterKey): number {
    return this.#open.get(textOf(key)) ?? 0;
  }

  /** How many there are in all. */
  get size(): number {
    let size = 0;
    for (const count of this.#open.values()) size += count;
    return size;
  }

  /** Counts a session of the value until its holder ends. */
  enter(key: CounterKey, holder: Holder): void {
    const text = textOf(key);
    this.#open.set(text, (this.#open.get(text) ?? 0) + 1);
    holder.onEnd(() => this.#leave(text));
  }

  #leave(text: string): void {
    const left = (this.#open.get(text) ?? 0) - 1;
    if (left > 0) this.#open.set(text, left);
    else this.#open.delete(text);
  }
}
