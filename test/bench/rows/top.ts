import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { askDaemon } from '../../../src/cli/ask-daemon.ts';
import { ask, probe, probed } from '../load.ts';
import { startLineServer } from '../peers/line-server.ts';
import { cpuSeconds } from '../process-cost.ts';
import { type Rater, startRater } from '../rater.ts';
import { takeTurns } from '../rounds.ts';
import type { Finding, Row } from '../row.ts';

/** Asks for a full screen every second, as the live view does, until the returned function is called. */
function watch({ directory }: Rater): () => Promise<void> {
  let isOver = false;
  const options = { sort: 'rate', rows: '100', json: true };
  const watching = (async () => {
    while (!isOver) {
      const call = { command: 'top', arguments: [], options };
      const outcome = await askDaemon(join(directory, 'control.sock'), call);
      if (outcome?.exit !== 0) throw new Error(`top said ${JSON.stringify(outcome)}`);
      await sleep(1000);
    }
  })();
  return () => {
    isOver = true;
    return watching;
  };
}

export const top: Row = {
  name: 'top',
  what: 'top at 1 000 000 tracked values, one screen a second',
  async measure(bench) {
    const values = bench.size(1_000_000, 100_000);
    const seconds = bench.size(15, 5);
    const rater = await startRater(bench, {
      limits: `ip: ( ("${probed}", 60, 100000), ("*", 3600, 1000) );`,
    });
    const line = await startLineServer(bench);
    const pipe = { server: rater.checked, concurrency: 1, depth: 100, keep: true };
    await ask(bench, { ...pipe, checks: values, from: '10.0.0.0', spread: values });

    /** Per cent of a core. */
    const share = async () => {
      const before = cpuSeconds(rater.pid);
      await sleep(seconds * 1000);
      return (100 * (cpuSeconds(rater.pid) - before)) / seconds;
    };
    const watched = async <T>(work: () => Promise<T>): Promise<T> => {
      const end = watch(rater);
      try {
        return await work();
      } finally {
        await end();
      }
    };
    const checks = bench.size(1_500_000, 200_000);
    const rate = async () => {
      return checks / (await ask(bench, { ...pipe, checks, from: '10.0.0.0', spread: values }));
    };
    const shares = await takeTurns(bench.size(3, 1), {
      ours: { name: 'watched', measure: () => watched(share) },
      limit: { name: 'unwatched', measure: share },
    });
    const stall = await watched(async () => {
      const probes = [probe(bench, rater.checked), probe(bench, line.checked)];
      await sleep(seconds * 1000);
      const [ours, still] = await Promise.all(probes.map((end) => end()));
      return { ours: ours?.longestMs ?? Number.NaN, still: still?.longestMs ?? Number.NaN };
    });
    const rates = await takeTurns(bench.size(7, 3), {
      ours: { name: 'watched', measure: () => watched(rate) },
      limit: { name: 'unwatched', measure: rate },
    });
    if (!shares.ours || !rates.ours) return [];
    const what = `top at ${values} values, one screen a second`;
    const extra = shares.ours.samples.map((sample, index) => {
      return sample - (shares.limit?.samples[index] ?? 0);
    });
    const cost: Finding = {
      what: `${what}: per cent of a core in the daemon`,
      unit: '',
      ours: { name: 'rater', samples: extra },
      goal: { is: 'at most', bound: 2, of: 'ours' },
    };
    return [
      cost,
      {
        what: `${what}: longest stall`,
        unit: 'ms',
        ours: { name: 'rater', samples: [stall.ours] },
        limit: { name: 'C epoll at rest', samples: [stall.still] },
        goal: { is: 'at most', bound: 5, of: 'ours' },
      },
      {
        what: `${what}: checks`,
        unit: '/s',
        ours: rates.ours,
        limit: rates.limit,
        goal: { is: 'at least', bound: 0.98, of: 'limit' },
      },
    ];
  },
};
