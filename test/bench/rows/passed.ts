import { visit } from '../load.ts';
import { startFail2ban } from '../peers/fail2ban.ts';
import { startHaproxy } from '../peers/haproxy.ts';
import { startRater } from '../rater.ts';
import { takeTurns } from '../rounds.ts';
import type { Finding, Row } from '../row.ts';
import { startBare, startTcpserver, startTcpsvd } from '../servers.ts';

const limit = 10;
const visits = 1000;

export const passed: Row = {
  name: 'passed',
  what: 'passed of 1000 from one address, limit 10, concurrency 1, 8, 32',
  async measure(bench) {
    const rater = await startRater(bench, { limits: `ip: ( ("*", 600, ${limit}) );`, cdb: true });
    const tcpsvd = await startTcpsvd(bench, rater);
    const tcpserver = await startTcpserver(bench, rater);
    const fail2ban = await startFail2ban(bench, limit);
    const haproxy = await startHaproxy(bench, await startBare(bench), limit);
    // Every trial uses a new address.
    let trial = 0;
    const greeted = async (port: number, concurrency: number) => {
      trial += 1;
      const from = `127.3.${trial >> 8}.${trial & 255}`;
      return (await visit(bench, { port, visits, concurrency, from })).greeted;
    };
    const findings: Finding[] = [];
    for (const concurrency of [1, 8, 32]) {
      const at = (name: string, frontEnd: { port: number } | undefined) =>
        frontEnd && { name, measure: () => greeted(frontEnd.port, concurrency) };
      const series = await takeTurns(bench.size(5, 2), {
        tcpsvd: at('tcpsvd', tcpsvd),
        tcpserver: at('tcpserver', tcpserver),
        fail2ban: at('fail2ban', fail2ban),
        haproxy: at('haproxy', haproxy),
      });
      for (const server of ['tcpsvd', 'tcpserver'] as const) {
        const ours = series[server];
        if (!ours) continue;
        findings.push({
          what: `passed of ${visits} through ${server}, limit ${limit}, concurrency ${concurrency}`,
          unit: '',
          ours,
          peer: series.fail2ban,
          limit: series.haproxy,
          goal: { is: 'exactly', bound: limit, of: 'ours' },
          isCorrectness: true,
        });
      }
    }
    return findings;
  },
};
