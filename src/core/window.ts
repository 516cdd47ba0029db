/**
 * An exact sliding window of hits for one value and one rate, in a run of 32-bit cells:
 * where the oldest hit is, how many there are, the rate's seconds, and a ring of instants.
 *
 * Guarantee: the count is the number of hits younger than the rate's seconds, exact up to the
 * capacity; the oldest hit is forgotten first, so whether the limit is exceeded is always exact.
 * A hit costs the same however many are in the window.
 *
 * Instants are whole monotonic milliseconds modulo 2^32, which is 49 days: no window is that long,
 * and an idle one is forgotten long before.
 */
import type { Rate } from './limits.ts';

const oldestCell = 0;
const countCell = 1;
const secondsCell = 2;
const headCells = 3;

/** Values without a limit are counted up to this. */
const unlimitedCapacity = 1000;

/** A run of `size` cells from `at` on. All zero is an empty window. */
export type Window = { readonly cells: Uint32Array; readonly at: number; readonly size: number };

/** How many hits a window remembers: twice the limit, and always enough to exceed it. */
export function capacityOf(rate: Rate): number {
  return rate.count < 0 ? unlimitedCapacity : Math.max(2, rate.count * 2);
}

/** Cells that a window with room for `hits` takes. */
export function cellsFor(hits: number): number {
  return headCells + hits;
}

/** How many hits the window has room for. */
export function slotsOf(window: Window): number {
  return window.size - headCells;
}

function dropOldest(window: Window, many: number): void {
  const { cells, at } = window;
  cells[at + oldestCell] = ((cells[at + oldestCell] as number) + many) % slotsOf(window);
  cells[at + countCell] = (cells[at + countCell] as number) - many;
}

/** Forgets what has left the window and returns how many hits are in it. */
function countYounger(window: Window, seconds: number, nowMs: number): number {
  const { cells, at } = window;
  const count = cells[at + countCell] as number;
  const slots = slotsOf(window);
  const ring = at + headCells;
  let slot = cells[at + oldestCell] as number;
  let gone = 0;
  while (gone < count && (nowMs - (cells[ring + slot] as number)) >>> 0 >= seconds * 1000) {
    gone += 1;
    slot = slot + 1 === slots ? 0 : slot + 1;
  }
  if (gone > 0) dropOldest(window, gone);
  return count - gone;
}

/** How many hits are in the window now. */
export function countHits(window: Window, rate: Rate, nowMs: number): number {
  return countYounger(window, rate.seconds, nowMs);
}

/** Whether no hit is left, judged by the rate of the latest one. */
export function isIdle(window: Window, nowMs: number): boolean {
  return countYounger(window, window.cells[window.at + secondsCell] as number, nowMs) === 0;
}

/** Milliseconds since the hit with this number, 0 being the oldest that the window remembers. */
function ageMs({ cells, at, size }: Window, hit: number, nowMs: number): number {
  const slots = size - headCells;
  const slot = (cells[at + oldestCell] as number) + hit;
  return (nowMs - (cells[at + headCells + (slot < slots ? slot : slot - slots)] as number)) >>> 0;
}

/** Milliseconds since the latest hit; infinite when none is left. */
export function idleMs(window: Window, nowMs: number): number {
  if (isIdle(window, nowMs)) return Number.POSITIVE_INFINITY;
  return ageMs(window, (window.cells[window.at + countCell] as number) - 1, nowMs);
}

/** Whether one more hit than the `count` that `countHits` has found needs a larger window. */
export function needsRoom(window: Window, rate: Rate, count: number): boolean {
  return count >= slotsOf(window) && count < capacityOf(rate);
}

/**
 * Adds a hit to the `count` that `countHits` has found, and returns how many are in the window with it;
 * beyond the rate's capacity the oldest ones are forgotten. Make room first where `needsRoom` says so.
 */
export function addHit(window: Window, rate: Rate, nowMs: number, count: number): number {
  const { cells, at } = window;
  const slots = slotsOf(window);
  const excess = count - Math.min(capacityOf(rate), slots) + 1;
  if (excess > 0) dropOldest(window, excess);
  const kept = excess > 0 ? count - excess : count;
  const slot = (cells[at + oldestCell] as number) + kept;
  cells[at + headCells + (slot < slots ? slot : slot - slots)] = nowMs;
  cells[at + countCell] = kept + 1;
  cells[at + secondsCell] = rate.seconds;
  return kept + 1;
}

/** How old the oldest hit is that the window remembers, milliseconds; 0 without hits. */
export function reachMs(window: Window, nowMs: number): number {
  return window.cells[window.at + countCell] === 0 ? 0 : ageMs(window, 0, nowMs);
}

/** How many of the hits that the window remembers are younger than `spanMs`. */
export function hitsWithin(window: Window, spanMs: number, nowMs: number): number {
  const count = window.cells[window.at + countCell] as number;
  // Instants only grow from the oldest on, so the first that is young enough is found by halving.
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ageMs(window, middle, nowMs) < spanMs) high = middle;
    else low = middle + 1;
  }
  return count - low;
}

/** More than any window remembers. */
const beyondHits = 2 ** 26;

/**
 * Orders windows by how many hits of the last `spanMs` they remember, then by all that are in them,
 * then, if any is of that span, by how quickly they came: full windows of one limit are in the order of
 * their rates. 0 is an idle one, or one that is not above `floor`.
 */
export function rankByRate(window: Window, spanMs: number, nowMs: number, floor: number): number {
  if (!mayBeAbove(window, spanMs, nowMs, floor)) return 0;
  const count = countYounger(window, window.cells[window.at + secondsCell] as number, nowMs);
  return rateRank(window, count, hitsWithin(window, spanMs, nowMs), nowMs);
}

function rateRank(window: Window, count: number, within: number, nowMs: number): number {
  if (within === 0) return count;
  return within * beyondHits + count + 1 / (2 + ageMs(window, 0, nowMs));
}

/** Whether `rankByRate` may be above `floor`, by few cells: most of a million windows need no more. */
function mayBeAbove(window: Window, spanMs: number, nowMs: number, floor: number): boolean {
  const count = window.cells[window.at + countCell] as number;
  const within = Math.floor(floor / beyondHits);
  const isWithin = (hits: number) => hits <= count && ageMs(window, count - hits, nowMs) < spanMs;
  if (isWithin(within + 1)) return true;
  if (within > 0 && !isWithin(within)) return false;
  // Were some of its hits over by now, it would have fewer.
  return rateRank(window, count, within, nowMs) > floor;
}

/**
 * Orders windows by the hits in them, then by those of the last `spanMs`. 0 is an idle one, or one that
 * is not above `floor`.
 */
export function rankByCount(window: Window, spanMs: number, nowMs: number, floor: number): number {
  const most = window.cells[window.at + countCell] as number;
  if (most * beyondHits + most <= floor) return 0;
  const count = countYounger(window, window.cells[window.at + secondsCell] as number, nowMs);
  return count === 0 ? 0 : count * beyondHits + hitsWithin(window, spanMs, nowMs);
}

/** Copies the hits, oldest first, into an empty window that is at least as large. */
export function copyHits(from: Window, to: Window): void {
  const count = from.cells[from.at + countCell] as number;
  const oldest = from.cells[from.at + oldestCell] as number;
  for (let index = 0; index < count; index += 1) {
    const slot = (oldest + index) % slotsOf(from);
    to.cells[to.at + headCells + index] = from.cells[from.at + headCells + slot] as number;
  }
  to.cells[to.at + countCell] = count;
}
