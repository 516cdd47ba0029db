/** One line on a terminal that says how far long work has got; elsewhere nothing. */
import type { Clock } from '../runtime/clock.ts';

const firstMs = 1000;
const everyMs = 200;
const width = 30;
const mebi = 1 << 20;

/** What it needs of process.stderr. */
export type Terminal = { readonly isTTY?: boolean | undefined; write(text: string): unknown };

export class ProgressLine {
  readonly #terminal: Terminal;
  readonly #clock: Clock;
  readonly #startedMs: number;
  #nextMs: number;
  #isShown = false;

  constructor(terminal: Terminal, clock: Clock) {
    this.#terminal = terminal;
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
    this.#nextMs = this.#startedMs + firstMs;
  }

  /** `all` is 0 when unknown. */
  show(done: number, all: number): void {
    if (!this.#terminal.isTTY) return;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#nextMs) return;
    this.#nextMs = nowMs + everyMs;
    this.#isShown = true;
    const speed = done / mebi / ((nowMs - this.#startedMs) / 1000);
    const rate = `${(done / mebi).toFixed(1)} MiB, ${speed.toFixed(1)} MiB/s`;
    this.#terminal.write(`\r${all > 0 ? `${bar(Math.min(1, done / all))} ` : ''}${rate}\u001b[K`);
  }

  /** Leaves no trace of it. */
  clear(): void {
    if (this.#isShown) this.#terminal.write('\r\u001b[K');
  }
}

function bar(part: number): string {
  const full = Math.round(part * width);
  return `[${'#'.repeat(full)}${'.'.repeat(width - full)}] ${Math.floor(part * 100)} %`;
}
