/**
 * The store that is forgotten with its process: of `:memory:`, and of a rater without the driver of
 * the database. It keeps every promise of a store but that of surviving a kill.
 */
import type { Address } from '../core/address.ts';
import type { Allowance, Block, NewBlock } from '../core/block.ts';
import type { HistoryEvent, HourlyTotal } from '../core/history-event.ts';
import type { Offences } from '../core/penalty.ts';
import type { EventPage, Store } from './store.ts';

export class MemoryStore implements Store {
  readonly #blocks = new Map<string, Block>();
  /** The one added last is at the end. */
  readonly #offences = new Map<string, Offences>();
  readonly #allowances = new Map<string, Allowance>();
  #events: HistoryEvent[] = [];
  /** How many are no longer there: so pages go on where they were. */
  #forgotten = 0;
  /** By hour and class. */
  readonly #totals = new Map<string, HourlyTotal>();

  add(block: NewBlock): Block {
    const { text } = block.address;
    this.#offences.delete(text);
    this.#offences.set(text, { times: block.times, lastMs: block.sinceMs });
    const added = { ...block, replacedUntilMs: this.#blocks.get(text)?.untilMs ?? 0 };
    this.#blocks.set(text, added);
    return added;
  }

  removeAll(addresses: readonly Address[]): number {
    return addresses.filter(({ text }) => this.#blocks.delete(text)).length;
  }

  tryWriting(): void {}

  all(): Block[] {
    return [...this.#blocks.values()];
  }

  offences({ text }: Address): Offences {
    return this.#offences.get(text) ?? { times: 0, lastMs: 0 };
  }

  forgetOffences(kept: number, max: number): number {
    const before = this.#offences.size;
    const fewest = Math.max(kept, before - max);
    for (const text of this.#offences.keys()) {
      if (this.#offences.size <= fewest) break;
      if (!this.#blocks.has(text)) this.#offences.delete(text);
    }
    return before - this.#offences.size;
  }

  allow(allowance: Allowance): void {
    this.#allowances.set(allowance.address.text, allowance);
  }

  disallow({ text }: Address): boolean {
    return this.#allowances.delete(text);
  }

  allowances(): Allowance[] {
    return [...this.#allowances.values()];
  }

  addEvents(events: readonly HistoryEvent[]): void {
    for (const event of events) this.#events.push(event);
  }

  events(from: number | undefined, max: number, sinceMs: number, untilMs: number): EventPage {
    const end = from === undefined ? this.#events.length : Math.max(0, from - this.#forgotten);
    const start = Math.max(0, end - max);
    const events = this.#events
      .slice(start, end)
      .filter(({ atMs }) => atMs >= sinceMs && atMs < untilMs);
    return { events: events.reverse(), next: start === 0 ? undefined : start + this.#forgotten };
  }

  forgetEvents(kept: number, olderMs: number, max: number): number {
    const before = this.#events.length;
    const surplus = Math.max(0, before - kept);
    let left = max;
    this.#events = this.#events.filter(({ atMs }, index) => {
      const isForgotten = left > 0 && (index < surplus || atMs < olderMs);
      if (isForgotten) left -= 1;
      return !isForgotten;
    });
    const forgotten = before - this.#events.length;
    this.#forgotten += forgotten;
    return forgotten;
  }

  addTotals(totals: readonly HourlyTotal[]): void {
    for (const total of totals) {
      const key = `${String(total.hourMs).padStart(16)} ${total.class}`;
      const { within = 0, exceeded = 0, blocked = 0, errors = 0 } = this.#totals.get(key) ?? {};
      this.#totals.set(key, {
        ...total,
        within: within + total.within,
        exceeded: exceeded + total.exceeded,
        blocked: blocked + total.blocked,
        errors: errors + total.errors,
      });
    }
  }

  totals(sinceMs: number, untilMs: number): HourlyTotal[] {
    const found = [...this.#totals].filter(
      ([, { hourMs }]) => hourMs >= sinceMs && hourMs < untilMs,
    );
    return found.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, total]) => total);
  }

  forgetTotals(olderMs: number): void {
    for (const [key, { hourMs }] of this.#totals) if (hourMs < olderMs) this.#totals.delete(key);
  }

  close(): void {}
}
