import { contenders, ofFloor, startCheckServers } from '../check-servers.ts';
import { ask } from '../load.ts';
import { takeTurns } from '../rounds.ts';
import type { Row } from '../row.ts';

export const pipelined: Row = {
  name: 'pipelined',
  what: 'persistent pipelined (depth 100)',
  async measure(bench) {
    const servers = await startCheckServers(bench);
    const checks = bench.size(500_000, 100_000);
    const how = { checks, concurrency: 4, depth: 100, keep: true, from: '10.0.0.0', spread: 1000 };
    const rate = async (server: typeof servers.ours) => {
      return checks / (await ask(bench, { ...how, server: server.checked }));
    };
    const { ours, peer, limit, floor } = await takeTurns(bench.rounds, contenders(servers, rate));
    if (!ours) return [];
    const goal = { is: 'at least', bound: 2, of: 'peer' } as const;
    const shown = { what: 'pipelined checks, depth 100', unit: '/s', ours };
    return [{ ...shown, peer, limit, goal }, ofFloor(shown, floor)];
  },
};
