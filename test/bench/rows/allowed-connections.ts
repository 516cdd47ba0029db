import { startFrontEnds } from '../front-ends.ts';
import { visit } from '../load.ts';
import { takeTurns } from '../rounds.ts';
import type { Finding, Row } from '../row.ts';

export const allowedConnections: Row = {
  name: 'allowed-connections',
  what: 'allowed connections/s through tcpsvd + ratecheck + echo, vs bare tcpsvd + echo, concurrency 1 and 8',
  async measure(bench) {
    const frontEnds = await startFrontEnds(bench);
    const visits = bench.size(1500, 200);
    const at = (concurrency: number, { name, port }: { name: string; port: number }) => ({
      name,
      async measure(round: number) {
        const from = `127.1.${round}.1`;
        const visited = await visit(bench, { port, visits, concurrency, from, spread: 250 });
        if (visited.greeted !== visits) throw new Error(`${name}: not all were greeted`);
        return visits / visited.seconds;
      },
    });
    const findings: Finding[] = [];
    const goals = [
      { concurrency: 1, ofHaproxy: 1 },
      { concurrency: 8, ofHaproxy: 0.98 },
    ];
    for (const { concurrency, ofHaproxy } of goals) {
      const { ours, bare, execOnly, haproxy } = await takeTurns(bench.rounds, {
        ours: at(concurrency, frontEnds.ours),
        bare: at(concurrency, frontEnds.bare),
        execOnly: at(concurrency, frontEnds.execOnly),
        haproxy: frontEnds.haproxy && at(concurrency, frontEnds.haproxy),
      });
      if (!ours) continue;
      const what = `allowed connections, concurrency ${concurrency}`;
      const [ofBare, ofExec] = [0.88, 0.9].map((bound) => {
        return { is: 'at least', bound, of: 'limit' } as const;
      });
      const ofPeer = { is: 'at least', bound: ofHaproxy, of: 'peer' } as const;
      findings.push(
        { what, unit: '/s', ours, limit: bare, goal: ofBare },
        { what: `${what}, of haproxy`, unit: '/s', ours, peer: haproxy, goal: ofPeer },
        { what: `${what}, of exec-only`, unit: '/s', ours, limit: execOnly, goal: ofExec },
      );
    }
    return findings;
  },
};
