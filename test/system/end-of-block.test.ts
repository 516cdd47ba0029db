/**
 * A block ends on time: nobody gets in before, no client is refused a second later, and then
 * counting starts anew.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { missing, unless } from '../run/unless.ts';
import { burst, greeted, type Visit, visit } from './connections.ts';
import { until } from './running-program.ts';
import { Site } from './site.ts';

const limit = 10;
const visits = 40;
/** Long enough for all visits and a look at the list, on a machine with much else to do. */
const seconds = 10;
const graceMs = 1000;
/** One visit and the pause after it take less, unless the machine stands still. */
const visitMs = 100;
const patienceMs = 60_000;
const source = '127.0.1.1';

let site: Site | undefined;

afterEach(() => site?.stop());

/** Visits every few milliseconds until one is let in: those refused, and that one. */
async function visitUntilLetIn(port: number): Promise<{ refused: Visit[]; letIn: Visit }> {
  const refused: Visit[] = [];
  const lastMs = performance.now() + patienceMs;
  while (performance.now() < lastMs) {
    const made = await visit(port, source);
    if (made.fate === 'greeted') return { refused, letIn: made };
    refused.push(made);
    await sleep(20);
  }
  throw new Error(`not let in for ${patienceMs} ms`);
}

/** How long visits were refused after `endMs`, not counting standstills of the machine. */
function refusedForMs(endMs: number, refused: readonly Visit[]): number {
  let [lateMs, lastMs] = [0, endMs];
  for (const { startedMs } of refused.filter((each) => each.startedMs > endMs)) {
    lateMs += Math.min(startedMs - lastMs, visitMs);
    lastMs = startedMs;
  }
  return lateMs;
}

/** Fails unless the block is over at `endMs`, or less than a second later. */
function expectEndAt(endMs: number, { refused, letIn }: { refused: Visit[]; letIn: Visit }): void {
  expect(refused.length).toBeGreaterThan(0);
  expect(letIn.endedMs).toBeGreaterThanOrEqual(endMs);
  expect(refusedForMs(endMs, refused), 'refused after the end').toBeLessThanOrEqual(graceMs);
}

async function blockEnd(): Promise<number> {
  const blocks = (await site?.list()) ?? [];
  const block = blocks.find(({ address }) => address === source);
  return Date.parse(block?.until ?? '');
}

describe('a block ends within one second of its time, and counting starts anew', () => {
  test('under tcpsvd -i', unless(missing('tcpsvd')), async () => {
    site = new Site({ seconds });
    await site.startRater();
    const { port } = await site.startTcpsvd();
    expect(greeted(await burst(port, source, visits))).toBe(limit);
    const endMs = await blockEnd();
    expectEndAt(endMs, await visitUntilLetIn(port));
    expect(greeted(await burst(port, source, visits)) + 1).toBe(limit);
    expect(await blockEnd()).toBeGreaterThan(endMs);
  });

  test('under tcpserver -x', unless(missing('tcpserver')), async () => {
    site = new Site({ seconds, rules: ':allow\n' });
    await site.startRater();
    const { port } = await site.startTcpserver();
    expect(greeted(await burst(port, source, visits))).toBe(limit);
    const endMs = await blockEnd();
    expectEndAt(endMs, await visitUntilLetIn(port));
    expect(greeted(await burst(port, source, visits)) + 1).toBe(limit);
    expect(await blockEnd()).toBeGreaterThan(endMs);
  });

  test('under tcpserver -x while many others attack', unless(missing('tcpserver')), async () => {
    site = new Site({
      seconds,
      rules: ':allow\n',
      limits: 'ip: ( ("127.0.1.1",60,10), ("*",60,0) );',
    });
    await site.startRater();
    const { port } = await site.startTcpserver();
    await burst(port, source, visits);
    const endMs = await blockEnd();
    let isOver = false;
    const attack = async () => {
      for (let host = 0; !isOver; host++) {
        await visit(port, `127.9.${host >> 8}.${host & 255}`);
        await sleep(10);
      }
    };
    const attacking = attack();
    try {
      expectEndAt(endMs, await visitUntilLetIn(port));
    } finally {
      isOver = true;
      await attacking;
    }
  });

  test(
    'under tcpsvd -i -t, by tcpsvd itself when rater is dead',
    unless(missing('tcpsvd')),
    async () => {
      site = new Site({ seconds, peersTimeout: 60 });
      const rater = await site.startRater();
      const { port } = await site.startTcpsvd();
      expect(greeted(await burst(port, source, visits))).toBe(limit);
      const endMs = await blockEnd();
      await rater.killedBy('SIGKILL');
      expect(site.peers()).toEqual([source]);
      expectEndAt(endMs, await visitUntilLetIn(port));
      expect(site.peers()).toEqual([]);
      await site.startRater();
      expect(greeted(await burst(port, source, visits))).toBe(limit);
    },
  );
});

test('the end of a block leaves no row and no file', unless(missing('tcpsvd')), async () => {
  site = new Site({ seconds });
  await site.startRater();
  const { port } = await site.startTcpsvd();
  await burst(port, source, limit + 1, 1);
  expect(site.peers()).toEqual([source]);
  await until('the block is gone', () => site?.peers().length === 0);
  expect(await site.list()).toEqual([]);
});
