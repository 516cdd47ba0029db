import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryCounters } from '../../src/counters/memory-counters.ts';
import { keepsCountersPromises } from '../contract/counters.ts';

keepsCountersPromises('MemoryCounters', () => new MemoryCounters());
keepsCountersPromises('MemoryCounters with room', () => new MemoryCounters(100));

describe('the number of tracked values is bounded:', () => {
  const minute = [{ seconds: 60, count: 10 }];
  const of = (value: string) => ({ class: 'user', value });

  function site(most: number) {
    const forgotten: string[] = [];
    const counters = new MemoryCounters(most, ({ value }) => forgotten.push(value));
    return { counters, forgotten };
  }

  test('a value more makes it forget the one whose latest hit is the oldest', () => {
    const { counters, forgotten } = site(4);
    for (const [ms, value] of ['a', 'b', 'c', 'd', 'a'].entries()) {
      counters.hit(of(value), minute, ms);
    }
    expect(forgotten).toEqual([]);
    counters.hit(of('e'), minute, 5);
    expect(forgotten).toEqual(['b']);
    expect(['a', 'b', 'c', 'd', 'e'].map((value) => counters.count(of(value), minute, 6))).toEqual([
      [2],
      [0],
      [1],
      [1],
      [1],
    ]);
  });

  test('a value without hits in its window goes first, however long the window', () => {
    const { counters, forgotten } = site(2);
    counters.hit(of('hourly'), [{ seconds: 3600, count: 10 }], 0);
    counters.hit(of('brief'), [{ seconds: 1, count: 10 }], 1000);
    counters.hit(of('new'), minute, 2500);
    expect(forgotten).toEqual(['brief']);
  });

  test('all windows of a value count towards the bound, and go with it', () => {
    const two = [...minute, { seconds: 3600, count: 100 }];
    const { counters, forgotten } = site(4);
    for (const [ms, value] of ['a', 'b', 'c'].entries()) counters.hit(of(value), two, ms);
    expect(forgotten).toEqual(['a']);
    expect(counters.count(of('a'), two, 3)).toEqual([0, 0]);
    expect(counters.size).toBe(2);
  });

  test('a value that keeps coming stays exact through a flood of others', () => {
    const { counters, forgotten } = site(1000);
    const rate = [{ seconds: 3600, count: 5000 }];
    for (let turn = 1; turn <= 5000; turn += 1) {
      for (let other = 0; other < 5; other += 1) {
        counters.hit(of(`flood-${turn}-${other}`), minute, turn);
      }
      expect(counters.hit(of('steady'), rate, turn)).toEqual([turn]);
      expect(counters.size).toBeLessThanOrEqual(1000);
    }
    expect(forgotten).toHaveLength(5000 * 5 + 1 - 1000);
    expect(forgotten).not.toContain('steady');
  });

  test('a value is never forgotten to make room for itself', () => {
    const { counters } = site(1);
    const two = [...minute, { seconds: 3600, count: 100 }];
    expect(counters.hit(of('a'), two, 0)).toEqual([1, 1]);
    expect(counters.hit(of('a'), two, 1)).toEqual([2, 2]);
  });

  test('any hits of any values never exceed the bound, and the remaining counts are exact', () => {
    const hit = fc.record({ value: fc.integer({ min: 0, max: 12 }), pauseMs: fc.nat(9000) });
    const hits = fc.array(hit, { maxLength: 120 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), hits, (most, steps) => {
        const known = new Map<string, number[]>();
        const counters = new MemoryCounters(most, ({ value }) => known.delete(value));
        let nowMs = 0;
        for (const { value, pauseMs } of steps) {
          nowMs += pauseMs;
          const name = value % 2 === 0 ? `192.0.2.${value}` : `user${value}`;
          const past = [...(known.get(name) ?? []), nowMs];
          known.set(name, past);
          const younger = past.filter((ms) => nowMs - ms < 60_000).length;
          expect(counters.hit(of(name), minute, nowMs)).toEqual([Math.min(younger, 20)]);
          expect(counters.size).toBe(known.size);
          expect(known.size).toBeLessThanOrEqual(most);
        }
      }),
    );
  });
});
