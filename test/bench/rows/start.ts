import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../../system/running-program.ts';
import { fillStore, firstAnswer, launchRater, newSite, type Site } from '../rater.ts';
import type { Finding, Row } from '../row.ts';
import type { Workbench } from '../workbench.ts';

/** Where the blocks lie before the start. */
const directories = ['an empty', 'the same'] as const;

export const start: Row = {
  name: 'start',
  what: 'start with 100 000 blocks to first answer; to all in force',
  async measure(bench) {
    const blocks = bench.size(100_000, 20_000);
    const filled = newSite(bench, {});
    fillStore(filled, blocks, Date.now() + 3_600_000);
    const limit = { name: 'C, files only', samples: [] as number[] };
    const ours = directories.map((peers) => ({ peers, answer: series(), all: series() }));
    // What a file system has just done changes much: hence one after the other, several times.
    for (let round = 0; round < bench.size(3, 1); round += 1) {
      const wanted = ['create', bench.newDirectory(), String(blocks), '180'];
      limit.samples.push(Number(await bench.run([bench.program('files'), ...wanted])));
      const site = newSite(bench, {});
      copyFileSync(join(filled.directory, 'blocks.db'), join(site.directory, 'blocks.db'));
      // The second start finds the files of the first.
      for (const { answer, all } of ours) {
        const seconds = await secondsToStart(bench, site, blocks);
        answer.samples.push(seconds.answer);
        all.samples.push(seconds.all);
      }
    }
    return ours.flatMap(({ peers, answer, all }): Finding[] => {
      const goal = (bound: number) => ({ is: 'at most', bound, of: 'ours' }) as const;
      const isEmpty = peers === 'an empty';
      const what = `start with ${blocks} blocks, ${peers} peers directory`;
      return [
        { what: `${what}, to first answer`, unit: 's', ours: answer, goal: goal(0.5) },
        {
          ...{ what: `${what}, to all in force`, unit: 's', ours: all },
          limit: isEmpty ? limit : undefined,
          goal: isEmpty ? { is: 'at most', bound: 2, of: 'limit' } : goal(1.5),
        },
      ];
    });
  },
};

function series() {
  return { name: 'rater', samples: [] as number[] };
}

/** Starts rater, and ends it when all is in force. */
async function secondsToStart(bench: Workbench, site: Site, blocks: number) {
  const startedMs = performance.now();
  const rater = launchRater(bench, site);
  await firstAnswer(rater);
  const answer = (performance.now() - startedMs) / 1000;
  await until('all in force', () => isAllInForce(site), 120_000);
  const all = (performance.now() - startedMs) / 1000;
  const files = readdirSync(site.peers).length;
  if (files < blocks) throw new Error(`all in force with ${files} files`);
  process.kill(rater.pid, 'SIGTERM');
  await until('its end', () => !isAlive(rater.pid));
  return { answer, all };
}

/** By the log of its last start: looking at so many files again and again would slow it down. */
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
