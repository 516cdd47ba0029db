import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Highest } from '../../src/core/highest.ts';

test('it keeps what sorting them all would put first, the earlier of equal ones', () => {
  const ranks = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 200 });
  fc.assert(
    fc.property(ranks, fc.integer({ min: 1, max: 30 }), (all, max) => {
      const highest = new Highest<number>(max);
      all.forEach((rank, index) => {
        const { floor } = highest;
        highest.offer(rank, index);
        expect(highest.items().includes(index)).toBe(index < max || rank > floor);
      });
      const indexes = all.map((_, index) => index);
      const sorted = indexes.sort((a, b) => (all[b] as number) - (all[a] as number) || a - b);
      expect(highest.items()).toEqual(sorted.slice(0, max));
    }),
  );
});
