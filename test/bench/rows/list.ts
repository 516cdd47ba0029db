import { timeCommand } from '../command-time.ts';
import { fillStore, firstAnswer, launchRater, newSite } from '../rater.ts';
import type { Finding, Row } from '../row.ts';
import type { Workbench } from '../workbench.ts';

/** A list of so many blocks, beside what `script` makes of its first lines. */
async function listing(bench: Workbench, blocks: number, script: (lines: string[]) => string) {
  const site = newSite(bench, {});
  fillStore(site, blocks, Date.now() + 3_600_000);
  await firstAnswer(launchRater(bench, site));
  const command = [process.execPath, bench.ours('ipthrottle'), '-c', site.config, 'list'];
  const lines = (await bench.run(command)).split('\n', 2);
  return timeCommand(bench, site.config, ['list'], script(lines));
}

export const list: Row = {
  name: 'list',
  what: '`ipthrottle list` of 10 and of 100 000 blocks',
  async measure(bench) {
    const many = bench.size(100_000, 20_000);
    const few = await listing(bench, 10, () => '0');
    const all = await listing(bench, many, ([, line = '']) => {
      return `for (let i = 0; i < ${many}; i += 1) console.log('x'.repeat(${line.length}))`;
    });
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
        goal: { is: 'at most', bound: 2, of: 'limit' },
      });
    }
    return findings;
  },
};
