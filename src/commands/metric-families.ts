/**
 * The table of metrics: what Prometheus is told, read when it asks.
 *
 * Guarantee: no address, user or host is ever a label, and the number of series does not depend on
 * traffic: classes come from the configuration, at most `maxClasses` of them by name.
 */
import type { CheckTotals, ClassTally } from '../health/check-totals.ts';
import { degradedModes, type ModeName } from '../health/degraded-modes.ts';
import type { Family, Histogram, Labels, Sample } from '../health/exposition.ts';
import { version } from '../runtime/program.ts';
import type { CommandContext } from './command.ts';
import type { Connections, RunningDaemon } from './running-daemon.ts';

/** So many classes have series of their own; the others are `other` together. */
const maxClasses = 20;
/** The bounds of the histogram: powers of two of microseconds, from 64 us to 1 s. */
const boundPowers = [6, 8, 10, 12, 14, 16, 18, 20];

const verdicts = ['within', 'exceeded', 'blocked', 'errors'] as const;

/** What several metrics are read from, gathered once. */
type Facts = {
  readonly context: CommandContext;
  readonly daemon: RunningDaemon;
  readonly checks: CheckTotals;
  readonly connections: Connections;
};

type Metric = { readonly name: string; readonly help: string } & (
  | {
      readonly type: 'counter' | 'gauge';
      read(facts: Facts): readonly Sample[] | number | undefined;
    }
  | { readonly type: 'histogram'; read(facts: Facts): Histogram }
);

/** Classes of the configuration that nobody asked for yet are there, too, with zeros. */
function classTallies({ context: { config }, checks }: Facts): Map<string, ClassTally> {
  const nothing = { within: 0, exceeded: 0, blocked: 0, errors: 0 };
  const names = [...config.classes.keys()];
  const tallies = new Map(names.map((name) => [name, { ...nothing }]));
  for (const { name, ...tally } of checks.classes) tallies.set(name, tally);
  const shown = new Map([...tallies].slice(0, maxClasses));
  for (const [, tally] of [...tallies].slice(maxClasses)) {
    const other = shown.get('other') ?? { ...nothing };
    for (const verdict of verdicts) other[verdict] += tally[verdict];
    shown.set('other', other);
  }
  return shown;
}

function by(label: string, values: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(values).map(([name, value]) => ({ labels: { [label]: name }, value }));
}

function checkTimes({ latencies, checks, seconds }: CheckTotals): Histogram {
  const below = (us: number) => {
    return latencies.reduce((sum, row) => sum + (row.belowUs <= us ? row.checks : 0), 0);
  };
  const buckets = boundPowers.map((power) => {
    return { bound: 2 ** power / 1e6, count: below(2 ** power) };
  });
  return { buckets, count: checks, sum: seconds };
}

function modes(read: (mode: ModeName, labels: Labels) => Sample): Sample[] {
  return (Object.keys(degradedModes) as ModeName[]).map((mode) => read(mode, { mode }));
}

export const metrics: readonly Metric[] = [
  {
    name: 'ipthrottle_build_info',
    type: 'gauge',
    help: 'The version of rater and what serves the socket for checks; always 1.',
    read: ({ daemon }) => [{ labels: { version, transport: daemon.transport().is }, value: 1 }],
  },
  {
    name: 'ipthrottle_checks_total',
    type: 'counter',
    help: 'Answered checks by class and verdict; class - stands for requests without a class that exists.',
    read: (facts) => {
      return [...classTallies(facts)].flatMap(([name, tally]) => {
        return verdicts.map((verdict) => {
          return { labels: { class: name, verdict }, value: tally[verdict] };
        });
      });
    },
  },
  {
    name: 'ipthrottle_check_duration_seconds',
    type: 'histogram',
    help: 'Time from reading a check to knowing its answer.',
    read: ({ checks }) => checkTimes(checks),
  },
  {
    name: 'ipthrottle_would_block_total',
    type: 'counter',
    help: 'Blocks that a dry run only told of.',
    read: ({ context: { gatekeeper } }) => gatekeeper.dryRuns.blocksTold,
  },
  {
    name: 'ipthrottle_would_refuse_total',
    type: 'counter',
    help: 'Refusals that a dry run only told of.',
    read: ({ context: { gatekeeper } }) => gatekeeper.dryRuns.refusalsTold,
  },
  {
    name: 'ipthrottle_blocks',
    type: 'gauge',
    help: 'Blocks that are known now.',
    read: ({ context: { gatekeeper } }) => gatekeeper.blocks.size,
  },
  {
    name: 'ipthrottle_blocks_made_total',
    type: 'counter',
    help: 'Blocks made, by source: rate for a limit, operator for an order.',
    read: ({ context: { gatekeeper } }) => {
      const { rate, operator } = gatekeeper.blocks.tally.made;
      return by('source', { rate: rate.count, operator: operator.count });
    },
  },
  {
    name: 'ipthrottle_block_seconds_total',
    type: 'counter',
    help: 'How long the blocks made were to last, all together.',
    read: ({ context: { gatekeeper } }) => {
      const { rate, operator } = gatekeeper.blocks.tally.made;
      return by('source', { rate: rate.seconds, operator: operator.seconds });
    },
  },
  {
    name: 'ipthrottle_blocks_ended_total',
    type: 'counter',
    help: 'Blocks that ended: over, unblocked by an operator, or by removing their file.',
    read: ({ context: { gatekeeper } }) => by('cause', gatekeeper.blocks.tally.ended),
  },
  {
    name: 'ipthrottle_enforcement_lag_seconds',
    type: 'gauge',
    help: 'How long the oldest change has waited that a server does not obey yet.',
    read: ({ context: { gatekeeper } }) => {
      return gatekeeper.blocks.lags().map(({ enforcer, lagMs }) => {
        return { labels: { enforcer }, value: lagMs / 1000 };
      });
    },
  },
  {
    name: 'ipthrottle_sessions',
    type: 'gauge',
    help: 'Open sessions, each once per class.',
    read: ({ context: { gatekeeper } }) => gatekeeper.openSessions,
  },
  {
    name: 'ipthrottle_tracked_values',
    type: 'gauge',
    help: 'Values with hits, or that had some before the last sweep.',
    read: ({ context: { gatekeeper } }) => gatekeeper.trackedValues,
  },
  {
    name: 'ipthrottle_failed_open_total',
    type: 'counter',
    help: 'Connections that ratecheck let in because it could not ask, as far as it could tell rater.',
    read: ({ context: { gatekeeper } }) => gatekeeper.health.tally('failed open').count,
  },
  {
    name: 'ipthrottle_degraded_total',
    type: 'counter',
    help: 'How often rater did less than it should, by degraded mode.',
    read: ({ context: { gatekeeper } }) => {
      return modes((mode, labels) => ({ labels, value: gatekeeper.health.tally(mode).count }));
    },
  },
  {
    name: 'ipthrottle_degraded',
    type: 'gauge',
    help: 'Whether rater is in the degraded mode now.',
    read: ({ context: { gatekeeper } }) => {
      return modes((mode, labels) => {
        return { labels, value: gatekeeper.health.tally(mode).sinceMs === undefined ? 0 : 1 };
      });
    },
  },
  {
    name: 'ipthrottle_enforcing',
    type: 'gauge',
    help: 'Whether limits refuse and block, 1, or are only logged, 0.',
    read: ({ context: { gatekeeper } }) => (gatekeeper.verdicts.isEnforcing ? 1 : 0),
  },
  {
    name: 'ipthrottle_connections',
    type: 'gauge',
    help: 'Clients that are connected now, whoever they are.',
    read: ({ connections }) => connections.open.length,
  },
  {
    name: 'ipthrottle_event_loop_delay_seconds',
    type: 'gauge',
    help: 'How late a timer was at most within the last minute or two, which clients had to wait as well.',
    read: ({ daemon }) => daemon.latenessMs() / 1000,
  },
  {
    name: 'process_start_time_seconds',
    type: 'gauge',
    help: 'When rater started, in seconds since 1970.',
    read: ({ daemon }) => daemon.startedMs / 1000,
  },
  {
    name: 'process_cpu_seconds_total',
    type: 'counter',
    help: 'Time of the processor that rater used, user and system.',
    read: ({ daemon }) => daemon.cpuSeconds(),
  },
  {
    name: 'process_resident_memory_bytes',
    type: 'gauge',
    help: 'Resident memory of rater.',
    read: ({ daemon }) => daemon.memory().residentBytes,
  },
  {
    name: 'process_open_fds',
    type: 'gauge',
    help: 'Descriptors that rater has open.',
    read: ({ connections }) => connections.descriptors,
  },
  {
    name: 'process_max_fds',
    type: 'gauge',
    help: 'Descriptors that rater may have open.',
    read: ({ connections }) => connections.maxDescriptors,
  },
];

/** What all metrics say now. */
export function metricFamilies(context: CommandContext, daemon: RunningDaemon): Family[] {
  const facts = {
    context,
    daemon,
    checks: daemon.checkTotals(),
    connections: daemon.connections(),
  };
  return metrics.flatMap((metric): Family[] => {
    const { name, help } = metric;
    if (metric.type === 'histogram') {
      return [{ name, help, type: metric.type, histogram: metric.read(facts) }];
    }
    const read = metric.read(facts);
    if (read === undefined) return [];
    const samples = typeof read === 'number' ? [{ value: read }] : read;
    return [{ name, help, type: metric.type, samples }];
  });
}
