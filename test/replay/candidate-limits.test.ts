/**
 * Limits that are tried and limits that are suggested.
 *
 * Tests: src/replay/row-windows.ts, src/replay/suggest-limits.ts, src/replay/column.ts
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ratesToTry } from '../../src/replay/replay.ts';
import { summaryOf } from '../../src/replay/replay-summary.ts';
import { suggestLimits } from '../../src/replay/suggest-limits.ts';
import { type Connection, logText, replayed } from './replayed.ts';

const connections = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 40_000 }), fc.integer({ min: 0, max: 3 })), {
    minLength: 1,
    maxLength: 400,
  })
  .map((all) => {
    const sorted = all.toSorted(([a], [b]) => a - b);
    return sorted.map(([tenths, host]): Connection => [tenths / 10, `192.0.2.${host}`]);
  });

describe.each([
  ['that blocks', 'blocking : { time: [20, 60, 200]; decay: 300; };'],
  ['that only refuses', 'blocking : { classes: (); };'],
])('in a class %s', (_, blocking) => {
  test('Guarantee: a candidate does what the limit in use does', async () => {
    const rate = fc.tuple(fc.integer({ min: 1, max: 600 }), fc.integer({ min: 0, max: 12 }));
    await fc.assert(
      fc.asyncProperty(connections, rate, async (all, [seconds, count]) => {
        const config = `limits : { ip: ( ("192.0.2.3", 60, -1), ("*", ${seconds}, ${count}) ); }; ${blocking}`;
        const others = [
          { seconds, count: count + 1 },
          { seconds: 60, count: 3 },
        ].filter((other) => other.seconds !== seconds || other.count !== count);
        const rates = [{ seconds, count }, ...others];
        const { result, candidates } = summaryOf(await replayed(config, logText(all), { rates }));
        const [candidate] = candidates;
        expect(candidate).toMatchObject({
          ...{ seconds, limit: count, blocks: result.blocks, refused: result.refused },
          clients: result.refusedClients,
          neverReachedBy: result.clients - result.refusedClients,
        });
      }),
      { numRuns: 60 },
    );
  });
});

/** As many clients as counts are given, each with so many connections within a minute. */
function clients(counts: readonly number[]): Connection[] {
  const all = counts.flatMap((count, client) => {
    return Array.from({ length: count }, (_, index): Connection => {
      return [(index * 50) / count, `10.0.${client >> 8}.${client & 255}`];
    });
  });
  return all.toSorted(([a], [b]) => a - b);
}

const config = 'limits : { ip: ( ("*", 60, 10) ); }; blocking : { time: 100; };';

test('a candidate names the client of which it would refuse most', async () => {
  const { candidates } = summaryOf(
    await replayed(config, logText(clients([20, 12, 5, 5, 5, 3])), {
      rates: [{ seconds: 60, count: 10 }],
    }),
  );
  expect(candidates).toEqual([
    {
      ...{ seconds: 60, limit: 10, blocks: 2, clients: 2, refused: 12, ofTraffic: 12 / 50 },
      ...{ biggestClient: '10.0.0.0', share: 10 / 12, neverReachedBy: 4 },
    },
  ]);
});

test('a limit is suggested that spares the wanted share of clients, and not one more', async () => {
  const counts = [...Array.from({ length: 98 }, (_, client) => 1 + (client % 9)), 57, 80];
  const rates = [{ seconds: 60, count: 10 }];
  const found = await replayed(config, logText(clients(counts)), { rates });
  expect(suggestLimits(found, 0.98)).toEqual([
    {
      ...{ seconds: 60, limit: 9, clients: 100, spared: 98, hit: 2, connectionsOfHit: 137 },
      ...{ next: 57, isBeyond: false },
    },
  ]);
  expect(suggestLimits(found, 0.981)).toMatchObject([{ limit: 57, spared: 99, next: 80 }]);
  expect(suggestLimits(found, 1)).toMatchObject([{ limit: 80, spared: 100, hit: 0, next: null }]);
});

test('no limit is suggested beyond what is counted exactly', async () => {
  const found = await replayed(config, logText(clients([2000])), {
    rates: [{ seconds: 60, count: 10 }],
  });
  expect(suggestLimits(found, 1)).toMatchObject([{ isBeyond: true }]);
});

test('without connections nothing is suggested', async () => {
  const found = await replayed(config, '', { rates: [{ seconds: 60, count: 10 }] });
  expect(suggestLimits(found, 0.99)).toMatchObject([{ clients: 0, limit: 0, next: null }]);
});

test('the usual candidates are around the limit in use, and of longer windows', async () => {
  const { main } = await replayed(config, '');
  const rates = ratesToTry(main.known.limits[0]);
  expect(rates.map(({ seconds, count }) => `${seconds}/${count}`)).toEqual([
    ...['60/5', '60/10', '60/20', '600/20', '600/40', '600/80', '3600/80', '3600/160', '3600/320'],
  ]);
});
