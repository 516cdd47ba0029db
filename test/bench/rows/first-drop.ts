import { visit } from '../load.ts';
import { startFail2ban } from '../peers/fail2ban.ts';
import { startRater } from '../rater.ts';
import { takeTurns } from '../rounds.ts';
import type { Row } from '../row.ts';
import { startTcpsvd } from '../servers.ts';

export const firstDrop: Row = {
  name: 'first-drop',
  what: 'first drop after the first connection',
  async measure(bench) {
    const tcpsvd = await startTcpsvd(bench, await startRater(bench));
    const fail2ban = await startFail2ban(bench);
    const until = (name: string, port: number) => ({
      name,
      async measure(round: number) {
        const from = `127.4.0.${round + 1}`;
        const wanted = { port, visits: 20_000, concurrency: 8, from, untilDrop: true };
        const { firstDropMs } = await visit(bench, wanted);
        if (firstDropMs < 0) throw new Error(`${name}: no connection was dropped`);
        return firstDropMs;
      },
    });
    const { ours, peer } = await takeTurns(bench.size(9, 3), {
      ours: until('rater', tcpsvd.port),
      peer: fail2ban && until('fail2ban', fail2ban.port),
    });
    if (!ours) return [];
    const goal = { is: 'at most', bound: 0.1, of: 'peer' } as const;
    return [{ what: 'first drop, limit 10, concurrency 8', unit: 'ms', ours, peer, goal }];
  },
};
