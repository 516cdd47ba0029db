import { ask } from '../load.ts';
import { startFail2ban } from '../peers/fail2ban.ts';
import { anonymousBytes, residentBytes } from '../process-cost.ts';
import { fillStore, firstAnswer, launchRater, newSite } from '../rater.ts';
import type { Row } from '../row.ts';

const megabyte = 1e6;

export const residentMemory: Row = {
  name: 'resident-memory',
  what: 'resident memory of the daemon, 10 000 values, 1 000 blocks',
  async measure(bench) {
    const site = newSite(bench, {});
    fillStore(site, 1000, Date.now() + 3_600_000);
    const rater = launchRater(bench, site);
    await firstAnswer(rater);
    const values = { checks: 10_000, from: '127.0.0.0', spread: 10_000 };
    await ask(bench, { server: rater.checked, concurrency: 8, depth: 1, keep: false, ...values });
    const fail2ban = await startFail2ban(bench);
    const size = (pid: number) => [residentBytes(pid) / megabyte];
    return [
      {
        what: 'resident memory, 10 000 values, 1 000 blocks',
        unit: 'MB',
        ours: { name: 'rater', samples: size(rater.pid) },
        peer: fail2ban && { name: 'fail2ban, idle', samples: size(fail2ban.pid) },
        goal: { is: 'at most', bound: 64, of: 'ours' },
      },
      {
        what: 'of it anonymous, without pages of files',
        unit: 'MB',
        ours: { name: 'rater', samples: [anonymousBytes(rater.pid) / megabyte] },
        goal: { is: 'at most', bound: 18, of: 'ours' },
      },
    ];
  },
};
