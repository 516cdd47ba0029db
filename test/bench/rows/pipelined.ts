import { contender, contenders, ofFloor, startCheckServers } from '../check-servers.ts';
import { ask } from '../load.ts';
import { fillStore, firstAnswer, launchRater, newSite } from '../rater.ts';
import { takeTurns } from '../rounds.ts';
import type { Row } from '../row.ts';
import type { Workbench } from '../workbench.ts';

const many = 1000;

/** 1 000 blocks, 1 000 limits and 1 000 allowed networks, none of which an asked address is in. */
async function startCrowded(bench: Workbench) {
  const texts = (byte: number) =>
    Array.from({ length: many }, (_, index) => {
      return `"${byte}.${index >> 8}.${index & 255}.0/24"`;
    });
  const limits = texts(11).map((text) => `(${text}, 60, 5)`);
  const site = newSite(bench, {
    limits: `ip: ( ${limits.join(', ')}, ("*", 60, 100000) );`,
    allow: texts(12).join(', '),
  });
  // 10.0.0.0 and the next ones.
  fillStore(site, many, Date.now() + 3_600_000);
  const rater = launchRater(bench, site);
  await firstAnswer(rater);
  return rater;
}

export const pipelined: Row = {
  name: 'pipelined',
  what: 'persistent pipelined (depth 100)',
  async measure(bench) {
    const servers = await startCheckServers(bench);
    const checks = bench.size(500_000, 100_000);
    const how = { checks, concurrency: 4, depth: 100, keep: true, from: '13.0.0.0', spread: 1000 };
    const rate = async (server: typeof servers.ours) => {
      return checks / (await ask(bench, { ...how, server: server.checked }));
    };
    const { ours, peer, limit, floor, crowded } = await takeTurns(bench.rounds, {
      ...contenders(servers, rate),
      crowded: contender('rater', await startCrowded(bench), rate),
    });
    if (!ours || !crowded) return [];
    const goal = { is: 'at least', bound: 2.5, of: 'peer' } as const;
    const shown = { what: 'pipelined checks, depth 100', unit: '/s', ours };
    const among = `${shown.what}, among ${many} blocks, limits and allowances`;
    return [
      { ...shown, peer, limit, goal },
      { what: among, unit: '/s', ours: crowded, peer, goal },
      ofFloor(shown, floor),
    ];
  },
};
