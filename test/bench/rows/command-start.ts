import { timeCommand } from '../command-time.ts';
import { firstAnswer, launchRater, newSite } from '../rater.ts';
import type { Finding, Row } from '../row.ts';

export const commandStart: Row = {
  name: 'command-start',
  what: 'start of `ipthrottle list`, `check` and `status`',
  async measure(bench) {
    const site = newSite(bench, {});
    await firstAnswer(launchRater(bench, site));
    const findings: Finding[] = [];
    for (const args of [['list'], ['check', '192.0.2.1'], ['status']]) {
      const { ours, limit } = await timeCommand(bench, site.config, args);
      if (!ours) continue;
      findings.push({
        ...{ what: `ipthrottle ${args[0]} without blocks`, unit: 'ms', ours, limit },
        goal: { is: 'at most', bound: 1.8, of: 'limit' },
      });
    }
    return findings;
  },
};
