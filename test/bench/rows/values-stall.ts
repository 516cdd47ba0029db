import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../system/running-program.ts';
import { ask, type Checked, probe, probed } from '../load.ts';
import { startLineServer } from '../peers/line-server.ts';
import { startRedis } from '../peers/redis.ts';
import { startRater, statusOf } from '../rater.ts';
import type { Finding, Row } from '../row.ts';

export const valuesStall: Row = {
  name: 'values-stall',
  what: 'longest stall while 1 000 000 values arrive and later expire',
  async measure(bench) {
    const values = bench.size(1_000_000, 100_000);
    // Long enough for all values to arrive before the first expires.
    const windowSeconds = bench.size(15, 3);
    const rater = await startRater(bench, {
      limits: `ip: ( ("${probed}", 60, 100000), ("*", ${windowSeconds}, 10) );`,
      settings: 'expiration_timer: 2;',
    });
    const redis = await startRedis(bench);
    const line = await startLineServer(bench);
    const arrive = (server: Checked) => {
      const pipe = { server, concurrency: 1, depth: 50, keep: true, seconds: windowSeconds };
      return ask(bench, { ...pipe, checks: values, from: '10.0.0.0', spread: values });
    };
    /** The longest wait of a probe while `work` goes on, and that of an undisturbed probe. */
    const stall = async (server: Checked, work: () => Promise<unknown>) => {
      const probes = [probe(bench, server), probe(bench, line.checked)];
      await sleep(200);
      await work();
      const found = [];
      for (const end of probes) found.push((await end()).longestMs);
      return found;
    };
    const forgotten = () => {
      return until(
        'all values expired',
        async () => {
          await sleep(200);
          return (await statusOf(rater)).values < 100;
        },
        60_000,
      );
    };
    const finding = (what: string, found: Found): Finding => ({
      what,
      unit: 'ms',
      ours: { name: 'rater', samples: found.ours },
      peer: redis ? { name: 'redis', samples: found.peer } : undefined,
      limit: { name: 'C epoll at rest', samples: found.still },
      goal: { is: 'at most', bound: 20, of: 'ours' },
    });
    const [arriving, expiring] = [newFound(), newFound()];
    const note = (found: Found, [longestMs, stillMs]: readonly number[]) => {
      found.ours.push(longestMs as number);
      found.still.push(stillMs as number);
    };
    // A machine that others share has waits of its own, which a single round takes for ours.
    for (let round = 0; round < bench.size(3, 1); round += 1) {
      note(arriving, await stall(rater.checked, () => arrive(rater.checked)));
      note(expiring, await stall(rater.checked, forgotten));
      if (!redis) continue;
      const waitOut = () => sleep((windowSeconds + 2) * 1000);
      arriving.peer.push((await stall(redis.checked, () => arrive(redis.checked)))[0] as number);
      expiring.peer.push((await stall(redis.checked, waitOut))[0] as number);
    }
    return [
      finding(`longest stall while ${values} values arrive`, arriving),
      finding(`longest stall while ${values} values expire`, expiring),
    ];
  },
};

/** The longest waits of each round, in milliseconds. */
type Found = { readonly ours: number[]; readonly peer: number[]; readonly still: number[] };

function newFound(): Found {
  return { ours: [], peer: [], still: [] };
}
