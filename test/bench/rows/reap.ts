import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../system/running-program.ts';
import { probe, probed } from '../load.ts';
import { startLineServer } from '../peers/line-server.ts';
import { fillStore, firstAnswer, launchRater, newSite, statusOf } from '../rater.ts';
import type { Row } from '../row.ts';

export const reap: Row = {
  name: 'reap',
  what: 'reap 100 000 expired blocks',
  async measure(bench) {
    const blocks = bench.size(100_000, 5000);
    const limits = `ip: ( ("${probed}", 60, 100000), ("*", 60, 10) );`;
    const site = newSite(bench, { limits });
    const directory = bench.newDirectory();
    const files = (verb: string) => {
      return bench.run([bench.program('files'), verb, directory, String(blocks), '180']);
    };
    await files('create');
    // Time to fill the store, to start and to put all blocks in force.
    const endMs = Date.now() + bench.size(60_000, 5000);
    fillStore(site, blocks, endMs);
    const rater = launchRater(bench, site);
    await firstAnswer(rater);
    if (Date.now() > endMs) throw new Error('the blocks ended before they were in force');
    const line = await startLineServer(bench);
    await sleep(Math.max(0, endMs - Date.now() - 500));
    const probes = [probe(bench, rater.checked), probe(bench, line.checked)];
    await sleep(Math.max(0, endMs - Date.now()));
    await until('all blocks ended', async () => (await statusOf(rater)).blocks === 0, 120_000);
    const seconds = (Date.now() - endMs) / 1000;
    const [stall, still] = [await probes[0]?.(), await probes[1]?.()];
    // Files as old as ours: a file system that has written them to the disk takes longer to unlink them.
    const limit = { name: 'C unlink', samples: [Number(await files('unlink'))] };
    return [
      {
        what: `reap ${blocks} expired blocks`,
        unit: 's',
        ours: { name: 'rater', samples: [seconds] },
        limit,
        goal: { is: 'at most', bound: 2, of: 'limit' },
      },
      {
        what: `longest stall while ${blocks} blocks are reaped`,
        unit: 'ms',
        ours: { name: 'rater', samples: stall ? [stall.longestMs] : [] },
        limit: { name: 'C epoll at rest', samples: still ? [still.longestMs] : [] },
        goal: { is: 'at most', bound: 20, of: 'ours' },
      },
    ];
  },
};
