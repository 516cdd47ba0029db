/**
 * What other limits would have done to the same connections: each in place of the limit that holds for
 * everybody in a class. Clients with a limit of their own, and allowlisted ones, are left alone.
 *
 * Candidates with the same window share one count, for as long as a client has not exceeded the
 * candidate: only then its own windows and blocks begin. So the cost of a connection hardly grows with
 * the number of candidates.
 *
 * Guarantee: a candidate that equals the limit in use makes the same blocks and refusals as it; a test
 * holds both together.
 */
import { isExceeded } from '../core/judge.ts';
import type { Rate } from '../core/limits.ts';
import { type Offences, offencesLeft, type Penalty, penaltySeconds } from '../core/penalty.ts';
import {
  addHit,
  cellsFor,
  copyHits,
  countHits,
  needsRoom,
  slotsOf,
  type Window,
} from '../core/window.ts';
import { CellStore } from '../counters/cell-store.ts';
import type { Clock } from '../runtime/clock.ts';
import { withRoomFor } from './column.ts';
import { RowWindows } from './row-windows.ts';

/** Peaks are exact up to twice this. */
const leastCount = 250;
const smallest = 1024;

/** What a candidate would have done to one client. */
type Offender = {
  refused: number;
  /** Monotonic milliseconds; 0 when it was never blocked. */
  blockedUntilMs: number;
  offences: Offences;
  /** Its hits since its last block. */
  window: Window;
};

export type Candidate = {
  readonly rate: Rate;
  blocks: number;
  refused: number;
  /** By row of the client; only those that exceeded it. */
  readonly offenders: Map<number, Offender>;
};

type Shared = {
  readonly rate: Rate;
  readonly windows: RowWindows;
  readonly candidates: readonly Candidate[];
  /** By row: the most hits that were in the window at once. */
  peaks: Uint32Array;
};

export class CandidateLimits {
  readonly candidates: readonly Candidate[];
  readonly #clock: Clock;
  /** Undefined when the class blocks nobody, and only refuses. */
  readonly #penalty: Penalty | undefined;
  readonly #cells = new CellStore();
  readonly #windows: readonly Shared[];

  constructor(rates: readonly Rate[], penalty: Penalty | undefined, clock: Clock) {
    this.#clock = clock;
    this.#penalty = penalty;
    this.candidates = rates.map((rate) => ({ rate, blocks: 0, refused: 0, offenders: new Map() }));
    const seconds = [...new Set(rates.map((rate) => rate.seconds))];
    this.#windows = seconds.map((each) => this.#sharedBy(each));
  }

  /** A connection of the client in this row. */
  connection(row: number): void {
    const nowMs = this.#clock.monotonicMs();
    for (const shared of this.#windows) {
      this.#count(shared, row, shared.windows.hit(row, nowMs >>> 0), nowMs);
    }
  }

  /** The most hits that each client had at once in a window of so many seconds, by row. */
  peaks(seconds: number): Uint32Array {
    return this.#windows.find(({ rate }) => rate.seconds === seconds)?.peaks ?? new Uint32Array();
  }

  /** Up to which number peaks are exact. */
  exactTo(seconds: number): number {
    const shared = this.#windows.find(({ rate }) => rate.seconds === seconds);
    return 2 * (shared?.rate.count ?? 0);
  }

  /** Forgets what no longer counts. Returns how many windows are left. */
  sweep(): number {
    const nowMs = this.#clock.monotonicMs() >>> 0;
    return this.#windows.reduce((left, { windows }) => left + windows.dropIdle(nowMs), 0);
  }

  #sharedBy(seconds: number): Shared {
    const candidates = this.candidates.filter(({ rate }) => rate.seconds === seconds);
    const most = Math.max(leastCount, ...candidates.map(({ rate }) => rate.count));
    const rate = { seconds, count: most };
    const windows = new RowWindows(rate, this.#cells);
    return { rate, windows, candidates, peaks: new Uint32Array(smallest) };
  }

  #count(shared: Shared, row: number, count: number, nowMs: number): void {
    shared.peaks = withRoomFor(shared.peaks, row);
    const peak = shared.peaks[row] as number;
    if (count > peak) shared.peaks[row] = count;
    const most = Math.max(count, peak);
    for (const candidate of shared.candidates) {
      // Who never had more in the window never exceeded it.
      if (isExceeded(candidate.rate, most)) this.#judge(candidate, row, count, nowMs);
    }
  }

  #judge(candidate: Candidate, row: number, shared: number, nowMs: number): void {
    const { rate, offenders } = candidate;
    const known = offenders.get(row);
    if (known && nowMs < known.blockedUntilMs) {
      this.#refuse(candidate, known);
      return;
    }
    const isCountedApart = known !== undefined && this.#penalty !== undefined;
    const count = isCountedApart ? ownHit(known, rate, nowMs) : shared;
    if (!isExceeded(rate, count)) return;
    const offender = known ?? newOffender();
    if (!known) offenders.set(row, offender);
    this.#refuse(candidate, offender);
    if (this.#penalty) this.#block(candidate, offender, this.#penalty, nowMs);
  }

  #refuse(candidate: Candidate, offender: Offender): void {
    candidate.refused += 1;
    offender.refused += 1;
  }

  #block(candidate: Candidate, offender: Offender, penalty: Penalty, nowMs: number): void {
    const lastMs = this.#clock.wallMs();
    const times = offencesLeft(offender.offences, penalty, lastMs) + 1;
    candidate.blocks += 1;
    offender.offences = { times, lastMs };
    offender.blockedUntilMs = nowMs + penaltySeconds(penalty, times, 0) * 1000;
    // After a block its hits count anew.
    offender.window.cells.fill(0);
  }
}

/** Room for one hit; most clients that come again after a block do not exceed the limit again. */
function newWindow(hits = 1): Window {
  const size = cellsFor(hits);
  return { cells: new Uint32Array(size), at: 0, size };
}

function newOffender(): Offender {
  const offences = { times: 0, lastMs: 0 };
  return { refused: 0, blockedUntilMs: 0, offences, window: newWindow() };
}

/** Counts a hit since the last block; returns how many are in the window with it. */
function ownHit(offender: Offender, rate: Rate, nowMs: number): number {
  const instant = nowMs >>> 0;
  const count = countHits(offender.window, rate, instant);
  if (needsRoom(offender.window, rate, count)) {
    const larger = newWindow(2 * slotsOf(offender.window));
    copyHits(offender.window, larger);
    offender.window = larger;
  }
  return addHit(offender.window, rate, instant, count);
}
