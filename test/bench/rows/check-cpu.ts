import { contender, contenders, ofFloor, startCheckServers } from '../check-servers.ts';
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
    const { ours, peer, limit, floor, datagrams } = await takeTurns(bench.rounds, {
      ...contenders(servers, cost),
      datagrams: contender('rater', servers.datagrams, cost),
    });
    if (!ours || !datagrams) return [];
    const [goal, byDatagram] = [13, 9.5].map((bound) => {
      return { is: 'at most', bound, of: 'ours' } as const;
    });
    const shown = { what: 'daemon CPU of such a check', unit: 'us', ours };
    return [
      { ...shown, peer, limit, goal },
      { what: 'daemon CPU of a check by datagram', unit: 'us', ours: datagrams, goal: byDatagram },
      ofFloor(shown, floor, { is: 'at most', bound: 1.25, of: 'limit' }),
    ];
  },
};
