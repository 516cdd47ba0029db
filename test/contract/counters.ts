/** The promises of src/counters/counters.ts, for every implementation. */
import { describe, expect, test } from 'vitest';
import { ipv4Bits } from '../../src/core/address.ts';
import type { Rate } from '../../src/core/limits.ts';
import type { Counters } from '../../src/counters/counters.ts';
import { doNow } from '../../src/runtime/work.ts';

/** A different value for each number; half of them are addresses. */
function valueNo(number: number): string {
  return number % 2 === 0 ? `192.0.2.${number}` : `user${number}`;
}

export function keepsCountersPromises(name: string, make: () => Counters): void {
  const rates: readonly Rate[] = [
    { seconds: 60, count: 2 },
    { seconds: 3600, count: 10 },
  ];
  const one = { class: 'ip', value: '192.0.2.1' };

  describe(`${name} keeps the promises of counters:`, () => {
    test('each rate has its own count, up to twice its limit', async () => {
      const counters = make();
      for (let hits = 1; hits < 7; hits += 1) await counters.hit(one, rates, hits);
      expect(await counters.hit(one, rates, 7)).toEqual([4, 7]);
      expect(await counters.count(one, rates, 60_007)).toEqual([0, 7]);
    });

    test('an address is one value, whether or not its bits are given', async () => {
      const counters = make();
      const withBits = { ...one, ipv4: ipv4Bits(one.value) };
      await counters.hit(withBits, rates, 0);
      await counters.hit(one, rates, 0);
      expect(await counters.hit(withBits, rates, 0)).toEqual([3, 3]);
      expect(await counters.count(one, rates, 0)).toEqual([3, 3]);
      expect(counters.size).toBe(1);
    });

    test('the hits of IPv4 addresses by their bits are those of their texts', async () => {
      const counters = make();
      const byBits = counters.ofIPv4?.(one.class, rates);
      if (!byBits) return;
      const [bits, other] = [ipv4Bits(one.value) as number, ipv4Bits('192.0.2.2') as number];
      await counters.hit(one, rates, 0);
      expect(byBits.hitWithin(bits, 1)).toEqual([2, 2]);
      expect(await counters.hit(one, rates, 60_000)).toEqual([2, 3]);
      expect(byBits.hitWithin(bits, 60_001)).toEqual([2, 4]);
      expect(byBits.hitWithin(other, 2)).toEqual([1, 1]);
      expect(counters.size).toBe(2);
      counters.clear(one);
      expect(byBits.hitWithin(bits, 60_002)).toEqual([1, 1]);
    });

    test('a hit by bits that would exceed one of the rates is not counted in any', async () => {
      const counters = make();
      const within = [
        { seconds: 60, count: 2 },
        { seconds: 3600, count: 3 },
      ];
      const byBits = counters.ofIPv4?.(one.class, within);
      if (!byBits) return;
      const bits = ipv4Bits(one.value) as number;
      expect(byBits.hitWithin(bits, 0)).toEqual([1, 1]);
      expect(byBits.hitWithin(bits, 1)).toEqual([2, 2]);
      expect(byBits.hitWithin(bits, 2)).toBeUndefined();
      expect(await counters.count(one, within, 2)).toEqual([2, 2]);
      expect(byBits.hitWithin(bits, 60_000)).toEqual([2, 3]);
      expect(byBits.hitWithin(bits, 120_000)).toBeUndefined();
      expect(await counters.count(one, within, 120_000)).toEqual([0, 3]);
      const none = counters.ofIPv4?.('none', [{ seconds: 60, count: 0 }]);
      expect(none?.hitWithin(bits, 0)).toBeUndefined();
      expect(counters.size).toBe(1);
    });

    test('classes and values share nothing', async () => {
      const counters = make();
      await counters.hit(one, rates, 0);
      expect(await counters.count({ ...one, class: 'user' }, rates, 0)).toEqual([0, 0]);
      expect(await counters.count({ ...one, value: '192.0.2.2' }, rates, 0)).toEqual([0, 0]);
    });

    test('counting counts no hit and tracks nothing', async () => {
      const counters = make();
      await counters.count(one, rates, 0);
      expect(counters.size).toBe(0);
    });

    test('a cleared value starts anew', async () => {
      const counters = make();
      await counters.hit(one, rates, 0);
      counters.clear(one);
      counters.clear(one);
      expect(await counters.hit(one, rates, 1)).toEqual([1, 1]);
    });

    test('the busiest are found among many, in steps', async () => {
      const counters = make();
      if (!counters.busiest) return;
      const minute = rates.slice(0, 1).map(({ seconds }) => ({ seconds, count: 100 }));
      const hits = async (name: string, value: string, times: number, nowMs: number) => {
        for (let hit = 0; hit < times; hit += 1) {
          await counters.hit({ class: name, value }, minute, nowMs);
        }
      };
      for (let value = 0; value < 90; value += 1) await hits('ip', valueNo(value), 1, 20_000);
      await hits('ip', 'many', 9, 1000);
      await hits('ip', '192.0.2.7', 3, 19_000);
      await hits('ip', 'Quick', 5, 15_000);
      await hits('other', '192.0.2.7', 4, 20_000);
      const query = { by: 'rate', spanMs: 10_000, max: 2, class: undefined, filter: '' } as const;
      const found = (changes: object, leastSteps = 100) => {
        const work = counters.busiest?.({ ...query, ...changes }, () => 20_000);
        if (!work) throw new Error('it has no busiest');
        let steps = 0;
        for (;;) {
          const step = work.next();
          if (step.done) {
            expect(steps).toBeGreaterThanOrEqual(leastSteps);
            return step.value.map(({ class: name, value }) => `${name} ${value}`);
          }
          steps += 1;
        }
      };
      expect(found({ class: 'ip' })).toEqual(['ip Quick', 'ip 192.0.2.7']);
      expect(found({ class: 'ip', by: 'count' })).toEqual(['ip many', 'ip Quick']);
      expect(found({ class: 'ip', filter: 'quick' })).toEqual(['ip Quick']);
      expect(found({ class: 'ip', filter: '192.0.2.2' })).toHaveLength(2);
      expect(found({ class: 'none' }, 0)).toEqual([]);
      const [first, , third] = found({});
      expect([first, third]).toEqual(['ip Quick', 'other 192.0.2.7']);
    });

    test('it tells how many hits of a window are younger than a span, and the oldest', async () => {
      const counters = make();
      if (!counters.recent) return;
      for (const nowMs of [1000, 2000, 3000, 4000, 5000]) await counters.hit(one, rates, nowMs);
      const recent = (seconds: number) => counters.recent?.(one, seconds, [1, 1001, 9999], 6000);
      expect(recent(3600)).toEqual({ within: [0, 1, 5], reachMs: 5000 });
      // Twice its limit.
      expect(recent(60)).toEqual({ within: [0, 1, 4], reachMs: 4000 });
      expect(recent(1)).toBeUndefined();
      expect(counters.recent({ class: 'ip', value: 'none' }, 60, [1], 6000)).toBeUndefined();
    });

    test('a sweep forgets idle values only, in steps', async () => {
      const counters = make();
      const hourly = rates.slice(1);
      for (let value = 0; value < 10; value += 1) {
        await counters.hit({ class: 'ip', value: valueNo(value) }, hourly, value < 7 ? 0 : 1000);
      }
      expect(counters.size).toBe(10);
      const sweeping = counters.sweeping(() => 3_600_000, 3);
      const passes: boolean[] = [];
      while (passes.at(-1) !== true) passes.push(sweeping.next().done === true);
      expect(passes).toEqual([false, false, false, true]);
      expect(counters.size).toBe(3);
    });

    test('a hit made while a sweep is under way is kept', async () => {
      const counters = make();
      for (let value = 0; value < 10; value += 1) {
        await counters.hit({ class: 'ip', value: valueNo(value) }, rates, 0);
      }
      let nowMs = 1000;
      const sweeping = counters.sweeping(() => nowMs, 1);
      expect(sweeping.next().done).toBe(false);
      for (let value = 0; value < 10; value += 1) {
        await counters.hit({ class: 'ip', value: valueNo(value) }, rates, 5000);
      }
      nowMs = 3_600_000;
      doNow(sweeping);
      expect(await counters.count({ class: 'ip', value: valueNo(5) }, rates, 3_600_000)).toEqual([
        0, 1,
      ]);
      expect(counters.size).toBe(10);
    });

    test('a cleared value leaves nothing to the next one', async () => {
      const counters = make();
      for (let hits = 0; hits < 9; hits += 1) await counters.hit(one, rates, hits);
      counters.clear(one);
      for (let value = 0; value < 50; value += 1) {
        const next = { class: 'ip', value: valueNo(value) };
        expect(await counters.hit(next, rates, 10)).toEqual([1, 1]);
        expect(await counters.hit(next, rates, 11)).toEqual([2, 2]);
      }
    });

    test('other rates after a reload keep the hits of those that stay', async () => {
      const counters = make();
      await counters.hit(one, rates, 0);
      const more = [...rates, { seconds: 1, count: 5 }];
      expect(await counters.hit(one, more, 1)).toEqual([2, 2, 1]);
    });

    test('a rate keeps its hits when others are added before it or removed', async () => {
      const counters = make();
      const [minute, hour] = [
        { seconds: 60, count: 5 },
        { seconds: 3600, count: 50 },
      ];
      await counters.hit(one, [minute, hour], 0);
      const more = [{ seconds: 1, count: 5 }, minute, hour];
      expect(await counters.count(one, more, 30_000)).toEqual([0, 1, 1]);
      expect(await counters.hit(one, more, 30_000)).toEqual([1, 2, 2]);
      expect(await counters.hit(one, [{ ...hour, count: 9 }], 600_000)).toEqual([3]);
    });
  });
}
