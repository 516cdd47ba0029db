import { contender } from '../check-servers.ts';
import { ask } from '../load.ts';
import { threadSeconds } from '../process-cost.ts';
import { type Rater, startRater } from '../rater.ts';
import { takeTurns } from '../rounds.ts';
import type { Finding, Row, Series } from '../row.ts';
import type { Workbench } from '../workbench.ts';

type Asked = { readonly checks: number; readonly limits: string; readonly spread: number };

/** Microseconds of the daemon's CPU for a check, with the history and without. */
async function costs(bench: Workbench, { checks, limits, spread }: Asked) {
  const [kept, none] = [
    await startRater(bench, { limits }),
    await startRater(bench, { limits, settings: 'history: 0;' }),
  ];
  const how = { checks, concurrency: 4, depth: 100, keep: true, spread };
  const cost = async ({ pid, checked }: Rater, round: number) => {
    const before = threadSeconds(pid);
    await ask(bench, { ...how, server: checked, from: `10.${round}.0.0` });
    return ((threadSeconds(pid) - before) / checks) * 1e6;
  };
  return takeTurns(bench.rounds, {
    ours: contender('rater', kept, (_, round) => cost(kept, round)),
    limit: contender('without history', none, (_, round) => cost(none, round)),
  });
}

function finding(
  what: string,
  { ours, limit }: Readonly<Record<'ours' | 'limit', Series | undefined>>,
  bound: number,
): Finding[] {
  const goal = { is: 'at most', bound, of: 'limit' } as const;
  return ours ? [{ what, unit: 'us', ours, limit, goal }] : [];
}

export const historyCost: Row = {
  name: 'history-cost',
  what: 'history: daemon CPU per check',
  async measure(bench) {
    const checks = bench.size(1_000_000, 200_000);
    const within = { checks, limits: 'ip: ( ("*", 60, 100000) );', spread: 1000 };
    const blocks = bench.size(20_000, 2000);
    const blocking = { checks: blocks, limits: 'ip: ( ("*", 60, 0) );', spread: blocks };
    return [
      ...finding('history: daemon CPU of a check', await costs(bench, within), 1 / 0.98),
      ...finding('history: daemon CPU of a block', await costs(bench, blocking), 1.2),
    ];
  },
};
