/** The store that is forgotten with its process. */
import { expect, test } from 'vitest';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { openStore } from '../../src/store/open-store.ts';
import { keepsStorePromises } from '../contract/store.ts';
import { address, newBlock } from '../core/blocks.ts';

keepsStorePromises('MemoryStore', () => new MemoryStore());

test('`:memory:` opens one, and no file', () => {
  expect(openStore(':memory:', { error() {} }, 0)).toBeInstanceOf(MemoryStore);
});

test('an offence that is repeated is no longer the oldest', () => {
  const store = new MemoryStore();
  for (const text of ['192.0.2.1', '192.0.2.2', '192.0.2.1']) store.add(newBlock(text));
  store.removeAll(['192.0.2.1', '192.0.2.2'].map(address));
  expect(store.forgetOffences(1, 10)).toBe(1);
  expect(store.offences(address('192.0.2.1')).times).toBe(1);
  expect(store.offences(address('192.0.2.2')).times).toBe(0);
});
