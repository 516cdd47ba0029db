/** What the running daemon tells commands of itself, gathered from those who know. */
import type {
  DaemonLogControl,
  PendingTimer,
  RunningDaemon,
  Variables,
} from '../commands/running-daemon.ts';
import type { CheckMetrics } from '../health/check-metrics.ts';
import { children } from './children.ts';
import type { Connections } from './listeners/connections.ts';

export type FactSources = {
  readonly startedMs: number;
  readonly log: DaemonLogControl;
  readonly variables: Variables;
  readonly performance: CheckMetrics;
  readonly connections: Connections;
  readonly timers: () => PendingTimer[];
  readonly reload: () => readonly string[];
};

export function runningDaemon(sources: FactSources): RunningDaemon {
  const { performance, connections, startedMs, log, variables, timers, reload } = sources;
  return {
    pid: process.pid,
    startedMs,
    log,
    variables,
    checkTotals: () => performance.measured(),
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
    timers,
    children,
    reload,
  };
}
