import { type FrontEnd, startFrontEnds } from '../front-ends.ts';
import { visit } from '../load.ts';
import { cpuSeconds } from '../process-cost.ts';
import { takeTurns } from '../rounds.ts';
import type { Finding, Row } from '../row.ts';

function cpuOf({ pids }: FrontEnd): number {
  return pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
}

/** The last of its processes: our daemon, where there is one. */
function cpuOfDaemon({ pids }: FrontEnd): number {
  return cpuSeconds(pids.at(-1) as number);
}

/** Microseconds. */
const daemonGoals = [
  { concurrency: 1, bound: 40 },
  { concurrency: 8, bound: 32 },
];

export const connectionCpu: Row = {
  name: 'connection-cpu',
  what: 'server CPU per allowed connection vs bare',
  async measure(bench) {
    const frontEnds = await startFrontEnds(bench);
    const visits = bench.size(1000, 400);
    const through = (frontEnd: FrontEnd, concurrency = 8, cost = cpuOf) => ({
      name: frontEnd.name,
      async measure(round: number) {
        const before = cost(frontEnd);
        const from = `127.2.${round}.1`;
        await visit(bench, { port: frontEnd.port, visits, concurrency, from, spread: 250 });
        return ((cost(frontEnd) - before) / visits) * 1e6;
      },
    });
    const { ours, bare, execOnly, haproxy } = await takeTurns(bench.rounds, {
      ours: through(frontEnds.ours),
      bare: through(frontEnds.bare),
      execOnly: through(frontEnds.execOnly),
      haproxy: frontEnds.haproxy && through(frontEnds.haproxy),
    });
    if (!ours) return [];
    const goal = { is: 'at most', bound: 1.18, of: 'limit' } as const;
    const what = 'server CPU of an allowed connection';
    const findings: Finding[] = [
      { what, unit: 'us', ours, peer: haproxy, limit: bare, goal },
      { what: `${what}, of exec-only`, unit: 'us', ours, limit: execOnly },
    ];
    for (const { concurrency, bound } of daemonGoals) {
      const one = through(frontEnds.ours, concurrency, cpuOfDaemon);
      const { ours: daemon } = await takeTurns(bench.rounds, { ours: one });
      if (!daemon) continue;
      findings.push({
        what: `daemon CPU of a chained check, concurrency ${concurrency}`,
        ...{ unit: 'us', ours: daemon, goal: { is: 'at most', bound, of: 'ours' } },
      });
    }
    return findings;
  },
};
