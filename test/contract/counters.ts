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
