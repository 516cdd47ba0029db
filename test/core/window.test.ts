/** Tests: src/counters/cell-store.ts, src/counters/rate-windows.ts */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Rate } from '../../src/core/limits.ts';
import {
  addHit,
  capacityOf,
  cellsFor,
  countHits,
  rankByCount,
  rankByRate,
} from '../../src/core/window.ts';
import { CellStore } from '../../src/counters/cell-store.ts';
import { RateWindows } from '../../src/counters/rate-windows.ts';

/** The windows of one value, in memory that grows as needed. */
class Window {
  readonly #windows = new RateWindows(new CellStore());

  hit(rate: Rate, nowMs: number): number {
    return this.#windows.hit('value', rate, nowMs >>> 0);
  }

  count(rate: Rate, nowMs: number): number {
    return this.#windows.count('value', rate, nowMs >>> 0);
  }
}

const tenAMinute: Rate = { seconds: 60, count: 10 };

test('eleven hits within a minute all count', () => {
  const window = new Window();
  const counts = Array.from({ length: 11 }, (_, index) => window.hit(tenAMinute, index * 5999));
  expect(counts).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});

test('a hit stops counting at the moment it leaves the window', () => {
  const window = new Window();
  for (let index = 0; index < 10; index += 1) window.hit(tenAMinute, index);
  expect(window.count(tenAMinute, 59_999)).toBe(10);
  expect(window.count(tenAMinute, 60_000)).toBe(9);
  expect(window.hit(tenAMinute, 60_000)).toBe(10);
});

test('counting adds no hit', () => {
  const window = new Window();
  window.hit(tenAMinute, 0);
  expect([1, 2, 3].map((now) => window.count(tenAMinute, now))).toEqual([1, 1, 1]);
});

test('the count saturates at twice the limit and refused hits keep a client out', () => {
  const window = new Window();
  for (let now = 0; now < 100_000; now += 1000) window.hit(tenAMinute, now);
  expect(window.count(tenAMinute, 100_000)).toBe(20);
  expect(window.count(tenAMinute, 99_000 + 59_999)).toBe(1);
  expect(window.count(tenAMinute, 99_000 + 60_000)).toBe(0);
});

test.each([
  [{ seconds: 1, count: 0 }, 2],
  [{ seconds: 1, count: 1 }, 2],
  [{ seconds: 1, count: 10 }, 20],
  [{ seconds: 1, count: -1 }, 1000],
])('%j remembers %i hits', (rate, capacity) => {
  const window = new Window();
  let last = 0;
  for (let hits = 0; hits < 2000; hits += 1) last = window.hit(rate, 0);
  expect(capacityOf(rate)).toBe(capacity);
  expect(last).toBe(capacity);
});

test('a limit that a reload lowers or raises judges the hits counted before', () => {
  const window = new Window();
  for (let hits = 0; hits < 8; hits += 1) window.hit(tenAMinute, hits);
  expect(window.hit({ seconds: 60, count: 2 }, 10)).toBe(4);
  expect(window.hit({ seconds: 60, count: 100 }, 11)).toBe(5);
});

test('the clock may pass 2^32 milliseconds within a window', () => {
  const window = new Window();
  const overflow = 2 ** 32;
  for (let index = 0; index < 5; index += 1) window.hit(tenAMinute, overflow - 30_000 + index);
  expect(window.hit(tenAMinute, overflow + 29_999)).toBe(6);
  expect(window.hit(tenAMinute, overflow + 30_003)).toBe(3);
});

test('counts equal those of a plain list of instants, up to twice the limit', () => {
  const steps = fc.array(fc.nat({ max: 3000 }), { maxLength: 200 });
  const rates = fc.record({ seconds: fc.integer({ min: 1, max: 5 }), count: fc.nat({ max: 12 }) });
  fc.assert(
    fc.property(rates, steps, (rate, gaps) => {
      const window = new Window();
      const hits: number[] = [];
      let now = 2 ** 32 - 100_000;
      for (const gap of gaps) {
        now += gap;
        hits.push(now);
        const young = hits.filter((hit) => now - hit < rate.seconds * 1000).length;
        expect(window.hit(rate, now)).toBe(Math.min(young, capacityOf(rate)));
      }
    }),
  );
});

test('windows are ordered by the hits of a span, then by all, then by how quickly those came', () => {
  const rate = { seconds: 60, count: 5 };
  const store = new CellStore();
  const windowOf = (...hits: number[]) => {
    const window = store.window(store.allocate(cellsFor(10)));
    for (const nowMs of hits) addHit(window, rate, nowMs, countHits(window, rate, nowMs));
    return window;
  };
  const nowMs = 60_000;
  const windows = {
    slower: windowOf(...Array.from({ length: 20 }, (_, hit) => 51_000 + 400 * hit)),
    quick: windowOf(...Array.from({ length: 20 }, (_, hit) => 59_900 + hit)),
    three: windowOf(1000, 57_000, 58_000, 59_000),
    two: windowOf(1, 2, 3, 4, 58_000, 59_000),
    old: windowOf(1, 2, 3, 4, 5),
    older: windowOf(1, 2),
  };
  const idle = [windowOf(), windowOf(0)];
  const by = (rankOf: typeof rankByRate, spanMs = 10_000) => {
    const ranks = Object.entries(windows).map(([name, window]) => {
      return { name, rank: rankOf(window, spanMs, nowMs, 0) };
    });
    return ranks.sort((a, b) => b.rank - a.rank).map(({ name }) => name);
  };
  expect(by(rankByRate)).toEqual(['quick', 'slower', 'three', 'two', 'old', 'older']);
  expect(by(rankByCount)).toEqual(['slower', 'quick', 'two', 'old', 'three', 'older']);
  for (const rankOf of [rankByRate, rankByCount]) {
    expect(idle.map((window) => rankOf(window, 10_000, nowMs, 0))).toEqual([0, 0]);
  }
});

test('a rank is exact above the floor, and nothing below it is', () => {
  const rate = { seconds: 30, count: 5 };
  const gaps = fc.array(fc.constantFrom(0, 1, 400, 9000, 20_000), { maxLength: 25 });
  fc.assert(
    fc.property(fc.array(gaps, { minLength: 2, maxLength: 8 }), (all) => {
      const nowMs = 2 ** 31;
      const store = new CellStore();
      const windows = all.map((each) => {
        const window = store.window(store.allocate(cellsFor(10)));
        let hitMs = nowMs - each.reduce<number>((sum, gap) => sum + gap, 0);
        for (const gap of each) {
          addHit(window, rate, hitMs, countHits(window, rate, hitMs));
          hitMs += gap;
        }
        return window;
      });
      for (const rankOf of [rankByRate, rankByCount]) {
        // Each on a copy, for ranking makes a window forget what is over.
        const floors = new Set<number>([0]);
        for (const window of windows) {
          const copy = { ...window, cells: window.cells.slice() };
          const rank = rankOf(copy, 10_000, nowMs, 0);
          for (const floor of floors) {
            const again = { ...window, cells: window.cells.slice() };
            const given = rankOf(again, 10_000, nowMs, floor);
            if (rank > floor) expect(given).toBe(rank);
            else expect(given).toBeLessThanOrEqual(floor);
          }
          floors.add(rank);
        }
      }
    }),
  );
});
