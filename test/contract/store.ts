/** The promises of src/store/store.ts, for every implementation. */
import { describe, expect, test } from 'vitest';
import type { Block } from '../../src/core/block.ts';
import type { Store } from '../../src/store/store.ts';
import { address, newBlock } from '../core/blocks.ts';

function blockOf(store: Store, text: string): Block | undefined {
  return store.all().find((block) => block.address.text === text);
}

export function keepsStorePromises(name: string, make: () => Store): void {
  describe(`${name} keeps the promises of a store:`, () => {
    test('it gives back what was added', () => {
      const store = make();
      const added = store.add(newBlock('192.0.2.1', { reason: "it's; DROP TABLE blocks" }));
      expect(added).toMatchObject({ times: 1, replacedUntilMs: 0 });
      expect(blockOf(store, '192.0.2.1')).toEqual(added);
      expect(store.all()).toEqual([added]);
      store.close();
    });

    test('one address has one block; a later one replaces it', () => {
      const store = make();
      store.add(newBlock('192.0.2.1'));
      const later = store.add(newBlock('192.0.2.1', { untilMs: 1_000_500_000 }));
      expect(later).toMatchObject({ replacedUntilMs: 1_000_120_000 });
      expect(store.all()).toEqual([later]);
      store.close();
    });

    test('an offence is remembered when its block is gone', () => {
      const store = make();
      const first = store.add(newBlock('192.0.2.1'));
      expect(blockOf(store, '192.0.2.1')).toEqual(first);
      expect(store.removeAll([address('192.0.2.1')])).toBe(1);
      expect(store.removeAll([address('192.0.2.1')])).toBe(0);
      expect(blockOf(store, '192.0.2.1')).toBeUndefined();
      expect(store.offences(address('192.0.2.1'))).toEqual({ times: 1, lastMs: 1_000_000_000 });
      store.add(newBlock('192.0.2.1', { times: 2, sinceMs: 5 }));
      expect(store.offences(address('192.0.2.1'))).toEqual({ times: 2, lastMs: 5 });
      expect(store.offences(address('192.0.2.2'))).toEqual({ times: 0, lastMs: 0 });
      store.close();
    });

    test('removeAll forgets these blocks and no others; blocks already gone do not matter', () => {
      const store = make();
      for (const text of ['192.0.2.1', '192.0.2.0/24', '192.0.2.2']) store.add(newBlock(text));
      const removed = store.removeAll(['192.0.2.1', '192.0.2.0/24', '192.0.2.9'].map(address));
      expect(removed).toBe(2);
      store.tryWriting();
      expect(store.all().map((block) => block.address.text)).toEqual(['192.0.2.2']);
      expect(store.removeAll([])).toBe(0);
      expect(store.all()).toHaveLength(1);
      store.close();
    });

    test('forgetOffences keeps the latest offences, and those with a block', () => {
      const store = make();
      for (const [index, text] of ['192.0.2.4', '192.0.2.1', '192.0.2.3', '192.0.2.2'].entries()) {
        store.add({ ...newBlock(text), sinceMs: 1000 + index });
      }
      store.removeAll(['192.0.2.1', '192.0.2.2', '192.0.2.3'].map(address));
      const kept = () => {
        const all = [1, 2, 3, 4].map((last) => address(`192.0.2.${last}`));
        return all.filter((each) => store.offences(each).times > 0).map(({ text }) => text);
      };
      expect(store.forgetOffences(4, 10)).toBe(0);
      expect(store.forgetOffences(2, 1)).toBe(1);
      expect(kept()).toEqual(['192.0.2.2', '192.0.2.3', '192.0.2.4']);
      expect(store.forgetOffences(2, 10)).toBe(1);
      expect(kept()).toEqual(['192.0.2.2', '192.0.2.4']);
      expect(store.forgetOffences(0, 10)).toBe(1);
      expect(kept()).toEqual(['192.0.2.4']);
      store.close();
    });

    test('all gives every block as it was added, even from a large store', () => {
      const store = make();
      const reason = 'it\'s "so"; \n\u0000 \u{1f600}';
      const added = Array.from({ length: 10_001 }, (_, index) => {
        return store.add(newBlock(`10.0.${index >> 8}.${index & 255}`, { untilMs: index, reason }));
      });
      const byEnd = store.all().sort((a, b) => a.untilMs - b.untilMs);
      expect(byEnd).toEqual(added);
      store.close();
    });

    test('an allowance is given back until it is taken back; a later one replaces it', () => {
      const store = make();
      const allowance = { address: address('192.0.2.0/24'), sinceMs: 1, untilMs: 2, reason: 'a' };
      const later = { ...allowance, untilMs: undefined, reason: "b'c" };
      store.allow(allowance);
      expect(store.allowances()).toEqual([allowance]);
      store.allow(later);
      expect(store.allowances()).toEqual([later]);
      expect(store.disallow(address('192.0.2.0'))).toBe(false);
      expect(store.disallow(address('192.0.2.0/24'))).toBe(true);
      expect(store.allowances()).toEqual([]);
      store.close();
    });

    test('networks and IPv6 are not confused with their addresses', () => {
      const store = make();
      for (const text of ['192.0.2.0/24', '192.0.2.0', '2001:db8::/64', '2001:db8::']) {
        store.add(newBlock(text));
      }
      expect(
        store
          .all()
          .map((b) => b.address.prefixLength)
          .sort(),
      ).toEqual([128, 24, 32, 64]);
      store.close();
    });
  });
}
