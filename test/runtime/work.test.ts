import { expect, test } from 'vitest';
import { type CdbRecord, compileCdb, latin1 } from '../../src/enforcers/cdb/cdb.ts';
import { doBeside, doNow, slowly, type Work } from '../../src/runtime/work.ts';

/** Work that keeps a diary; its slow steps answer, fail or wait. */
function diary(later: (signal: AbortSignal) => Promise<string>) {
  const said: string[] = [];
  function* work(): Work<string> {
    try {
      yield;
      try {
        said.push(yield* slowly({ now: () => 'now', later }));
      } catch (error) {
        said.push(`caught ${String(error)}`);
      }
      return 'result';
    } finally {
      said.push('let go');
    }
  }
  return { said, work: work() };
}

test('work done at once and beside other things has the same result', async () => {
  const atOnce = diary(async () => 'later');
  expect(doNow(atOnce.work)).toBe('result');
  expect(atOnce.said).toEqual(['now', 'let go']);
  const beside = diary(async () => 'later');
  expect(await doBeside(beside.work)).toBe('result');
  expect(beside.said).toEqual(['later', 'let go']);
});

test('a slow step that fails throws where it was waited for', async () => {
  const { said, work } = diary(() => Promise.reject(new Error('no')));
  expect(await doBeside(work)).toBe('result');
  expect(said).toEqual(['caught Error: no', 'let go']);
  function* failing(): Work<void> {
    yield* slowly({
      now: () => expect.unreachable(),
      later: () => Promise.reject(new Error('no')),
    });
  }
  await expect(doBeside(failing())).rejects.toThrow('no');
});

test('work that is given up goes no further, and cleans up after what it waited for is over', async () => {
  const abort = new AbortController();
  let answer = (_text: string) => {};
  const { said, work } = diary(() => new Promise((resolve) => (answer = resolve)));
  const done = doBeside(work, { signal: abort.signal });
  abort.abort();
  await new Promise(setImmediate);
  expect(said, 'still waiting').toEqual([]);
  answer('too late');
  await expect(done).rejects.toThrow('given up');
  expect(said).toEqual(['let go']);
});

test('others are served between two slices of long work', async () => {
  let [isOver, turns] = [false, 0];
  const count = () => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  function* long(): Work<number> {
    // Until others were served, however fast this machine is.
    while (turns < 10) yield;
    return turns;
  }
  expect(await doBeside(long())).toBeGreaterThanOrEqual(10);
  isOver = true;
});

test('a cdb of 100 000 records is compiled in steps of a few records each', () => {
  let taken = 0;
  function* records(): Generator<CdbRecord> {
    for (; taken < 100_000; taken += 1) yield [latin1(String(taken)), latin1('D\0')];
  }
  const work = compileCdb(records());
  let [most, last, steps] = [0, 0, 0];
  for (let step = work.next(); !step.done; step = work.next()) {
    most = Math.max(most, taken - last);
    last = taken;
    steps += 1;
  }
  expect(taken).toBe(100_000);
  expect(most).toBeLessThanOrEqual(128);
  // Once to read the records, and once to fill the tables.
  expect(steps).toBeGreaterThan((2 * 100_000) / 130);
});
