import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '../load.ts';
import type { CheckServer } from '../peers/line-server.ts';
import { startRedis } from '../peers/redis.ts';
import { residentBytes } from '../process-cost.ts';
import { startRater } from '../rater.ts';
import type { Row, Series } from '../row.ts';

const settlesMs = 300;

export const valueMemory: Row = {
  name: 'value-memory',
  what: 'memory per tracked value at 1 000 000 values, limit 10',
  async measure(bench) {
    const values = bench.size(1_000_000, 100_000);
    const grown = async (name: string, { pid, checked }: CheckServer): Promise<Series> => {
      const pipe = { server: checked, concurrency: 1, depth: 200, keep: true, seconds: 3600 };
      // A warm process has its own garbage already.
      await ask(bench, { ...pipe, checks: 200_000, from: '127.0.0.0', spread: 1000 });
      await sleep(settlesMs);
      const before = residentBytes(pid);
      await ask(bench, { ...pipe, checks: values, from: '10.0.0.0', spread: values });
      await sleep(settlesMs);
      return { name, samples: [(residentBytes(pid) - before) / values] };
    };
    const redis = await startRedis(bench);
    const rater = await startRater(bench, {
      limits: 'ip: ( ("127.*", 3600, 100000), ("*", 3600, 10) );',
    });
    return [
      {
        what: `memory of a tracked value, ${values} of them`,
        unit: 'B',
        ours: await grown('rater', rater),
        peer: redis && (await grown('redis', redis)),
        goal: { is: 'at most', bound: 160, of: 'ours' },
      },
    ];
  },
};
