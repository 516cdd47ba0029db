import { readdirSync } from 'node:fs';
import { until } from '../../system/running-program.ts';
import { fillStore, firstAnswer, launchRater, newSite } from '../rater.ts';
import type { Finding, Row, Series } from '../row.ts';

export const start: Row = {
  name: 'start',
  what: 'start with 100 000 blocks to first answer; to all in force',
  async measure(bench) {
    const blocks = bench.size(100_000, 20_000);
    const site = newSite(bench, {});
    fillStore(site, blocks, Date.now() + 3_600_000);
    const findings: Finding[] = [];
    // The second start finds the files of the first.
    for (const peers of ['an empty', 'the same'] as const) {
      const samples = { answer: [] as number[], all: [] as number[] };
      const startedMs = performance.now();
      const rater = launchRater(bench, site);
      await firstAnswer(rater);
      samples.answer.push((performance.now() - startedMs) / 1000);
      await until('all files', () => readdirSync(site.peers).length >= blocks, 60_000);
      samples.all.push((performance.now() - startedMs) / 1000);
      process.kill(rater.pid, 'SIGTERM');
      await until('its end', () => !isAlive(rater.pid));
      const series = (kind: 'answer' | 'all'): Series => ({
        name: 'rater',
        samples: samples[kind],
      });
      const goal = (bound: number) => ({ is: 'at most', bound, of: 'ours' }) as const;
      const what = `start with ${blocks} blocks, ${peers} peers directory`;
      findings.push(
        { what: `${what}, to first answer`, unit: 's', ours: series('answer'), goal: goal(0.5) },
        { what: `${what}, to all in force`, unit: 's', ours: series('all'), goal: goal(1.5) },
      );
    }
    return findings;
  },
};

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
