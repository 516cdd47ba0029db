import { expect, test } from 'vitest';
import { CellStore } from '../../src/counters/cell-store.ts';

/** Around a block, which has 65 536 cells, and many that share one. */
const sizes = [4, 8, 16, 32_768, 65_536, 131_072, 131_072, ...Array<number>(40_000).fill(5)];

test('runs of any size share no cell, and one that is handed out again is empty', () => {
  const store = new CellStore();
  const handles = sizes.map((size) => store.allocate(size));
  expect(new Set(handles).size).toBe(sizes.length);
  const fill = (handle: number, content: number) => {
    const { cells, at, size } = store.window(handle);
    cells.fill(content, at, at + size);
  };
  const holds = (handle: number, content: number) => {
    const { cells, at, size } = store.window(handle);
    return at + size <= cells.length && cells.subarray(at, at + size).every((it) => it === content);
  };
  for (const [index, handle] of handles.entries()) fill(handle, index + 1);
  expect(handles.filter((handle, index) => !holds(handle, index + 1))).toEqual([]);
  for (const handle of handles.slice(0, 8)) store.release(handle);
  const again = sizes.slice(0, 8).map((size) => store.allocate(size));
  expect([...again].sort()).toEqual(handles.slice(0, 8).sort());
  expect(again.filter((handle) => !holds(handle, 0))).toEqual([]);
  expect(store.runs).toBe(sizes.length);
});
