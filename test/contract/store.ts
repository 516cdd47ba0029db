/** The promises of src/store/store.ts, for every implementation. */
import { describe, expect, test } from 'vitest';
import type { Block } from '../../src/core/block.ts';
import type { Store } from '../../src/store/store.ts';
import { address, newBlock } from '../core/blocks.ts';
import { happened } from '../core/happened.ts';

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

    test('events are given back page by page, the latest first, without those of other times', () => {
      const store = make();
      expect(store.events(undefined, 2, 0, 100)).toEqual({ events: [], next: undefined });
      const all = [1, 2, 3, 4, 5].map((atMs) => happened({ atMs, reason: "it's; DROP TABLE x" }));
      store.addEvents(all.slice(0, 2));
      store.addEvents(all.slice(2));
      const pages: number[][] = [];
      for (let from: number | undefined; ; ) {
        const { events, next } = store.events(from, 2, 2, 5);
        pages.push(events.map(({ atMs }) => atMs));
        if (next === undefined) break;
        from = next;
      }
      expect(pages).toEqual([[4], [3, 2], []]);
      expect(store.events(undefined, 9, 0, 9).events).toEqual(all.toReversed());
      store.close();
    });

    test('what is forgotten while somebody reads changes nothing of the pages that follow', () => {
      const store = make();
      store.addEvents([1, 2, 3, 4, 5, 6].map((atMs) => happened({ atMs })));
      const first = store.events(undefined, 2, 0, 99);
      store.forgetEvents(4, 0, 99);
      const second = store.events(first.next, 2, 0, 99);
      const pages = [first, second].map(({ events }) => events.map(({ atMs }) => atMs));
      expect(pages).toEqual([
        [6, 5],
        [4, 3],
      ]);
      expect(second.next).toBeUndefined();
      store.close();
    });

    test('of events the old ones and the first beyond a number are forgotten, so many at once', () => {
      const store = make();
      store.addEvents([1, 2, 9, 3, 9, 9].map((atMs) => happened({ atMs })));
      const kept = () => store.events(undefined, 99, 0, 99).events.map(({ atMs }) => atMs);
      expect(store.forgetEvents(99, 0, 99)).toBe(0);
      expect(store.forgetEvents(99, 3, 1)).toBe(1);
      expect(kept()).toEqual([9, 9, 3, 9, 2]);
      expect(store.forgetEvents(99, 4, 99)).toBe(2);
      expect(kept()).toEqual([9, 9, 9]);
      expect(store.forgetEvents(2, 0, 99)).toBe(1);
      store.addEvents([happened({ atMs: 10 })]);
      expect(kept()).toEqual([10, 9, 9]);
      expect(store.forgetEvents(0, 0, 99)).toBe(3);
      store.addEvents([happened({ atMs: 11 })]);
      expect(kept()).toEqual([11]);
      store.close();
    });

    test('totals of an hour and a class add up, and old hours are forgotten', () => {
      const store = make();
      const total = { class: 'ip', within: 1, exceeded: 2, blocked: 3, errors: 4 };
      store.addTotals([
        { ...total, hourMs: 20 },
        { ...total, hourMs: 10, class: 'user' },
      ]);
      store.addTotals([
        { ...total, hourMs: 20 },
        { ...total, hourMs: 9 },
      ]);
      const doubled = { class: 'ip', within: 2, exceeded: 4, blocked: 6, errors: 8, hourMs: 20 };
      expect(store.totals(10, 21)).toEqual([{ ...total, hourMs: 10, class: 'user' }, doubled]);
      expect(store.totals(0, 20)).toHaveLength(2);
      store.forgetTotals(20);
      expect(store.totals(0, 99)).toEqual([doubled]);
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
