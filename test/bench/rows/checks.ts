import { contender, contenders, ofFloor, startCheckServers } from '../check-servers.ts';
import { ask } from '../load.ts';
import { takeTurns } from '../rounds.ts';
import type { Row } from '../row.ts';

export const checks: Row = {
  name: 'checks',
  what: 'checks/s, one connection per check, Unix socket, concurrency 8',
  async measure(bench) {
    const servers = await startCheckServers(bench);
    const checks = bench.size(10_000, 4000);
    const how = { checks, concurrency: 8, depth: 1, keep: false, from: '10.0.0.0', spread: 1000 };
    const rate = async (server: typeof servers.ours) => {
      return checks / (await ask(bench, { ...how, server: server.checked }));
    };
    const { ours, peer, limit, floor, datagrams } = await takeTurns(bench.rounds, {
      ...contenders(servers, rate),
      datagrams: contender('rater', servers.datagrams, rate),
    });
    if (!ours || !datagrams) return [];
    const what = 'checks, a connection each, concurrency 8';
    return [
      { what, unit: '/s', ours, peer, limit, goal: { is: 'at least', bound: 1.25, of: 'peer' } },
      {
        what: `${what}, of C`,
        ...{ unit: '/s', ours, limit, goal: { is: 'at least', bound: 0.5, of: 'limit' } },
      },
      {
        what: 'checks, a datagram each, concurrency 8',
        ...{ unit: '/s', ours: datagrams, peer, goal: { is: 'at least', bound: 1.1, of: 'peer' } },
      },
      ofFloor({ what, unit: '/s', ours }, floor, { is: 'at least', bound: 0.8, of: 'limit' }),
    ];
  },
};
