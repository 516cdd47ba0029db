/** What commands can ask of the running daemon and have it do, gathered from its parts. */
import type { RunningDaemon } from '../commands/running-daemon.ts';
import type { CheckMetrics } from '../health/check-metrics.ts';
import { children } from './children.ts';
import type { Connections } from './listeners/connections.ts';

/** `known` is the part of rater itself. */
export function runningDaemon(
  known: Pick<RunningDaemon, 'startedMs' | 'log' | 'variables' | 'timers' | 'reload' | 'transport'>,
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
    connections: () => connections.list(),
    children,
  };
}
