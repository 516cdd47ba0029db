import { timeCommand } from '../command-time.ts';
import { fillStore, firstAnswer, launchRater, newSite } from '../rater.ts';
import type { Finding, Row } from '../row.ts';
import type { Workbench } from '../workbench.ts';

async function listing(bench: Workbench, blocks: number) {
  const site = newSite(bench, {});
  fillStore(site, blocks, Date.now() + 3_600_000);
  await firstAnswer(launchRater(bench, site));
  return timeCommand(bench, site.config, ['list']);
}

export const list: Row = {
  name: 'list',
  what: '`ipthrottle list` of 10 and of 100 000 blocks',
  async measure(bench) {
    const many = bench.size(100_000, 20_000);
    const [few, all] = [await listing(bench, 10), await listing(bench, many)];
    const findings: Finding[] = [];
    if (few.ours) {
      findings.push({
        what: 'ipthrottle list of 10 blocks',
        unit: 'ms',
        ours: few.ours,
        limit: few.limit,
        goal: { is: 'at most', bound: 3, of: 'limit' },
      });
    }
    if (all.ours) {
      findings.push({
        what: `ipthrottle list of ${many} blocks`,
        unit: 'ms',
        ours: all.ours,
        limit: all.limit,
        goal: { is: 'at most', bound: 1000, of: 'ours' },
      });
    }
    return findings;
  },
};
