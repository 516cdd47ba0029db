import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../../system/running-program.ts';
import { fillStore, firstAnswer, launchRater, newSite, type Site } from '../rater.ts';
import type { Finding, Row, Series } from '../row.ts';

export const start: Row = {
  name: 'start',
  what: 'start with 100 000 blocks to first answer; to all in force',
  async measure(bench) {
    const blocks = bench.size(100_000, 20_000);
    const site = newSite(bench, {});
    fillStore(site, blocks, Date.now() + 3_600_000);
    const findings: Finding[] = [];
    const wanted = ['create', bench.newDirectory(), String(blocks), '180'];
    const limit: Series = {
      name: 'C, files only',
      samples: [Number(await bench.run([bench.program('files'), ...wanted]))],
    };
    // The second start finds the files of the first.
    for (const peers of ['an empty', 'the same'] as const) {
      const samples = { answer: [] as number[], all: [] as number[] };
      const startedMs = performance.now();
      const rater = launchRater(bench, site);
      await firstAnswer(rater);
      samples.answer.push((performance.now() - startedMs) / 1000);
      await until('all in force', () => isAllInForce(site), 120_000);
      samples.all.push((performance.now() - startedMs) / 1000);
      const files = readdirSync(site.peers).length;
      if (files < blocks) throw new Error(`all in force with ${files} files`);
      process.kill(rater.pid, 'SIGTERM');
      await until('its end', () => !isAlive(rater.pid));
      const series = (kind: 'answer' | 'all'): Series => ({
        name: 'rater',
        samples: samples[kind],
      });
      const goal = (bound: number) => ({ is: 'at most', bound, of: 'ours' }) as const;
      const isEmpty = peers === 'an empty';
      const goalOfAll = isEmpty ? ({ is: 'at most', bound: 2, of: 'limit' } as const) : goal(1.5);
      const what = `start with ${blocks} blocks, ${peers} peers directory`;
      findings.push(
        { what: `${what}, to first answer`, unit: 's', ours: series('answer'), goal: goal(0.5) },
        {
          ...{ what: `${what}, to all in force`, unit: 's', ours: series('all') },
          ...{ limit: isEmpty ? limit : undefined, goal: goalOfAll },
        },
      );
    }
    return findings;
  },
};

/** By its log, of its last start: to look at so many files again and again would slow it down. */
function isAllInForce(site: Site): boolean {
  const log = readFileSync(join(site.directory, 'rater.txt'), 'utf8');
  return /all in force/.test(log.slice(log.lastIndexOf(' ready')));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
