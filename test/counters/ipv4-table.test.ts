import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Ipv4Table, ipv4Hash } from '../../src/counters/ipv4-table.ts';

/** Addresses that collide, because the bits that the table looks at first are the same. */
function colliding(many: number): number[] {
  const found: number[] = [];
  for (let bits = 0; found.length < many; bits += 1) {
    if ((ipv4Hash(bits) << 8) >>> 20 === 0) found.push(bits);
  }
  return found;
}

const crowded = colliding(40);
const address = fc.oneof(
  fc.constantFrom(...crowded),
  fc.constantFrom(0, -1, 0x7fffffff, -0x80000000),
  fc.integer(),
);
const number = fc.oneof(fc.constantFrom(0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 2), fc.nat());
const change = fc.record({ isDelete: fc.boolean(), bits: address, number });

describe('a table of IPv4 addresses', () => {
  test('holds what a Map holds, after any changes', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 400 }), (changes) => {
        const [table, map] = [new Ipv4Table(), new Map<number, number>()];
        for (const { isDelete, bits, number } of changes) {
          if (isDelete) expect(table.delete(bits)).toBe(map.delete(bits));
          else {
            table.set(bits, number);
            map.set(bits, number);
          }
          expect(table.size).toBe(map.size);
        }
        for (const { bits } of changes) expect(table.get(bits)).toBe(map.get(bits));
        expect(new Set(table.keys())).toEqual(new Set(map.keys()));
      }),
    );
  });

  test('finds colliding addresses after others of them are gone', () => {
    const table = new Ipv4Table();
    for (const [index, bits] of crowded.entries()) table.set(bits, index);
    for (const bits of crowded.filter((_, index) => index % 2 === 0)) table.delete(bits);
    const left = crowded.map((bits) => table.get(bits));
    expect(left).toEqual(crowded.map((_, index) => (index % 2 === 0 ? undefined : index)));
  });

  test('has different collisions in each process', async () => {
    vi.resetModules();
    const { ipv4Hash: another } = await import('../../src/counters/ipv4-table.ts');
    const homes = new Set(crowded.map((bits) => (another(bits) << 8) >>> 20));
    expect(homes.size).toBeGreaterThan(crowded.length / 2);
  });

  test('Guarantee: it is at most three quarters full, and shrinks again', () => {
    let slots = 0;
    const Counted = class extends Int32Array {
      constructor(cells: number) {
        super(cells);
        slots = cells / 2;
      }
    };
    vi.stubGlobal('Int32Array', Counted);
    onTestFinished(() => void vi.unstubAllGlobals());
    const table = new Ipv4Table();
    const smallest = slots;
    for (let bits = 0; bits < 1000; bits += 1) {
      table.set(bits, bits);
      expect(table.size / slots).toBeLessThanOrEqual(3 / 4);
      expect(slots === smallest || table.size / slots > 3 / 8).toBe(true);
    }
    for (let bits = 0; bits < 1000; bits += 1) {
      table.delete(bits);
      expect(slots === smallest || table.size / slots >= 1 / 8).toBe(true);
    }
    expect(slots).toBe(smallest);
  });

  test('grows for very many and is empty again after them', () => {
    const table = new Ipv4Table();
    for (let bits = 0; bits < 100_000; bits += 1) table.set(bits, bits);
    for (let bits = 0; bits < 100_000; bits += 1) expect(table.get(bits)).toBe(bits);
    for (let bits = 0; bits < 100_000; bits += 1) table.delete(bits);
    expect(table.size).toBe(0);
    expect([...table.keys()]).toEqual([]);
  });
});
