import { type FrontEnd, startFrontEnds } from '../front-ends.ts';
import { visit } from '../load.ts';
import { cpuSeconds } from '../process-cost.ts';
import { takeTurns } from '../rounds.ts';
import type { Row } from '../row.ts';

function cpuOf({ pids }: FrontEnd): number {
  return pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
}

export const connectionCpu: Row = {
  name: 'connection-cpu',
  what: 'server CPU per allowed connection vs bare',
  async measure(bench) {
    const frontEnds = await startFrontEnds(bench);
    const visits = bench.size(1000, 400);
    const through = (frontEnd: FrontEnd) => ({
      name: frontEnd.name,
      async measure(round: number) {
        const before = cpuOf(frontEnd);
        const from = `127.2.${round}.1`;
        await visit(bench, { port: frontEnd.port, visits, concurrency: 8, from, spread: 250 });
        return ((cpuOf(frontEnd) - before) / visits) * 1e6;
      },
    });
    const { ours, bare, execOnly } = await takeTurns(bench.rounds, {
      ours: through(frontEnds.ours),
      bare: through(frontEnds.bare),
      execOnly: through(frontEnds.execOnly),
    });
    if (!ours) return [];
    const goal = { is: 'at most', bound: 1.2, of: 'limit' } as const;
    return [
      {
        what: 'server CPU of an allowed connection',
        unit: 'us',
        ours,
        peer: execOnly,
        limit: bare,
        goal,
      },
    ];
  },
};
