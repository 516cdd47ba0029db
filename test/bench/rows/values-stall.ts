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
    const series = (name: string, sample: number | undefined) => ({
      name,
      samples: sample === undefined ? [] : [sample],
    });
    const finding = (what: string, ours?: number, still?: number, peer?: number): Finding => ({
      what,
      unit: 'ms',
      ours: series('rater', ours),
      peer: peer === undefined ? undefined : series('redis', peer),
      limit: series('C epoll at rest', still),
      goal: { is: 'at most', bound: 20, of: 'ours' },
    });
    const [arrives, stillThen] = await stall(rater.checked, () => arrive(rater.checked));
    const [expires, stillLater] = await stall(rater.checked, forgotten);
    const [redisArrives] = redis ? await stall(redis.checked, () => arrive(redis.checked)) : [];
    const [redisExpires] = redis
      ? await stall(redis.checked, () => sleep((windowSeconds + 2) * 1000))
      : [];
    return [
      finding(`longest stall while ${values} values arrive`, arrives, stillThen, redisArrives),
      finding(`longest stall while ${values} values expire`, expires, stillLater, redisExpires),
    ];
  },
};
