import { contenders, ofFloor, startCheckServers } from '../check-servers.ts';
import { ask } from '../load.ts';
import type { CheckServer } from '../peers/line-server.ts';
import { cpuSeconds } from '../process-cost.ts';
import { takeTurns } from '../rounds.ts';
import type { Row } from '../row.ts';

export const checkCpu: Row = {
  name: 'check-cpu',
  what: 'daemon CPU per such check',
  async measure(bench) {
    const servers = await startCheckServers(bench);
    const checks = bench.size(10_000, 4000);
    const how = { checks, concurrency: 8, depth: 1, keep: false, from: '10.0.0.0', spread: 1000 };
    const cost = async ({ pid, checked }: CheckServer) => {
      const before = cpuSeconds(pid);
      await ask(bench, { ...how, server: checked });
      return ((cpuSeconds(pid) - before) / checks) * 1e6;
    };
    const { ours, peer, limit, floor } = await takeTurns(bench.rounds, contenders(servers, cost));
    if (!ours) return [];
    const goal = { is: 'at most', bound: 35, of: 'ours' } as const;
    const shown = { what: 'daemon CPU of such a check', unit: 'us', ours };
    return [
      { ...shown, peer, limit, goal },
      ofFloor(shown, floor, { is: 'at most', bound: 1.25, of: 'limit' }),
    ];
  },
};
