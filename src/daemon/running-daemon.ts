/** What commands can ask of the running daemon and have it do, gathered from its parts. */
import type { RunningDaemon } from '../commands/running-daemon.ts';
import type { CheckMetrics } from '../health/check-metrics.ts';
import { children } from './children.ts';
import type { Connections } from './listeners/connections.ts';

/** `known` is the part of rater itself. */
export function runningDaemon(
  known: Omit<
    RunningDaemon,
    'pid' | 'checkTotals' | 'memory' | 'cpuSeconds' | 'connections' | 'children'
  >,
  metrics: CheckMetrics,
  connections: Connections,
): RunningDaemon {
  return {
    ...known,
    pid: process.pid,
    checkTotals: () => metrics.measured(),
    memory() {
      const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
      return {
        residentBytes: rss,
        heapUsedBytes: heapUsed,
        heapTotalBytes: heapTotal,
        externalBytes: external,
      };
    },
    cpuSeconds() {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
    connections: () => connections.list(),
    children,
  };
}
