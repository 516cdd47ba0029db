import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { preventGc } from '../../src/store/prevent-gc.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** References that keep nothing alive to an object that goes through it, and to one that does not. */
function make(): { readonly kept: WeakRef<object>; readonly dropped: WeakRef<object> } {
  return { kept: new WeakRef(preventGc({})), dropped: new WeakRef({}) };
}

test('what goes through it is not collected, and is what comes out', async () => {
  const object = {};
  expect(preventGc(object)).toBe(object);
  const { kept, dropped } = make();
  // A new reference holds its object until the turn is over.
  await new Promise(setImmediate);
  collectGarbage();
  expect(dropped.deref()).toBeUndefined();
  expect(kept.deref()).toBeDefined();
});
