/** `status`: whether rater runs, what it holds and what is in trouble. */

import type { Config } from '../config/config.ts';
import type { Gatekeeper } from '../gatekeeper/gatekeeper.ts';
import type { ClassTally } from '../health/check-totals.ts';
import { degradedModes } from '../health/degraded-modes.ts';
import type { Tally, Trouble } from '../health/health.ts';
import { type Downtime, secondsOf } from '../health/heartbeat.ts';
import { exitCodes } from '../runtime/errors.ts';
import type { Command, CommandContext, Row } from './command.ts';
import type { RunningDaemon } from './running-daemon.ts';
import { countedNoun, duration } from './words.ts';

/** What was counted since rater started. */
export function counters({ blocks, dryRuns, health }: Gatekeeper, daemon: RunningDaemon) {
  const { checks, classes } = daemon.checkTotals();
  const { made } = blocks.tally;
  const sum = (one: (tally: ClassTally) => number) => {
    return classes.reduce((total, tally) => total + one(tally), 0);
  };
  return {
    checks,
    within: sum(({ within }) => within),
    exceeded: sum(({ exceeded }) => exceeded),
    blocked: sum(({ blocked }) => blocked),
    errors: sum(({ errors }) => errors),
    blocksMade: made.rate.count + made.operator.count,
    wouldBlock: dryRuns.blocksTold,
    wouldRefuse: dryRuns.refusalsTold,
    failures: health.tally('database').count + health.tally('server').count,
  };
}

function instant(milliseconds: number | undefined): string | null {
  return milliseconds === undefined ? null : new Date(milliseconds).toISOString();
}

export function troubleJson({ mode, part, what, sinceMs, failures }: Trouble) {
  return { mode, part, what, since: instant(sinceMs), failures };
}

function tallyJson({ mode, count, firstMs, lastMs, sinceMs }: Tally) {
  const { effect } = degradedModes[mode];
  const instants = { first: instant(firstMs), last: instant(lastMs), since: instant(sinceMs) };
  return [mode, { effect, count, ...instants }] as const;
}

function downtimeJson(downtime: Downtime, nowMs: number) {
  const { sinceMs, untilMs, ended } = downtime;
  const seconds = secondsOf(downtime, nowMs) ?? null;
  return { seconds, since: instant(sinceMs), until: instant(untilMs), ended };
}

/** `trouble: store: ..., since 2026-01-31 08:05:46+01:00, 3 failures`. */
function troubleLine({ part, what, sinceMs, failures }: Trouble): Row {
  const times = countedNoun(failures, 'failure');
  return [`trouble: ${part}: ${what}, since `, { ms: sinceMs }, `, ${times}`];
}

/** No line for a mode that never occurred. */
function tallyLines({ mode, count, firstMs, lastMs, sinceMs }: Tally): Row[] {
  if (firstMs === undefined || lastMs === undefined) return [];
  const times = count === 1 ? 'once' : `${count} times`;
  const first = firstMs === lastMs ? [] : ['first ', { ms: firstMs }, ', '];
  const now = sinceMs === undefined ? ['not now'] : ['now, since ', { ms: sinceMs }];
  const { effect } = degradedModes[mode];
  return [
    [`degraded: ${mode} (${effect}): ${times}, `, ...first, 'last ', { ms: lastMs }, '; ', ...now],
  ];
}

/** `away: 12 seconds until 2026-01-31 08:05:46+01:00, killed`. */
function downtimeLine(downtime: Downtime, nowMs: number): Row {
  const { untilMs, ended } = downtime;
  const seconds = secondsOf(downtime, nowMs);
  const length = seconds === undefined ? 'unknown time' : duration(seconds * 1000);
  return [`away: ${length} until `, untilMs === undefined ? 'now' : { ms: untilMs }, `, ${ended}`];
}

/** `blocksMade` as `blocks made`. */
function wordsOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** The classes whose limits are only logged. */
export function dryClasses({ classes }: Config): string[] {
  return [...classes.values()].flatMap(({ name, dryRun }) => (dryRun ? [name] : []));
}

function facts({ config, gatekeeper, clock, daemon, places }: CommandContext) {
  const transport = daemon?.transport();
  return {
    running: daemon !== undefined,
    pid: daemon?.pid ?? null,
    uptimeSeconds: daemon ? Math.round((clock.wallMs() - daemon.startedMs) / 1000) : null,
    config: config.file,
    socket: config.settings.socket,
    transport: transport?.is ?? null,
    datagrams: transport?.datagrams ?? null,
    database: config.settings.dbPath,
    ...places,
    blocks: gatekeeper.blocks.size,
    values: daemon ? gatekeeper.trackedValues : null,
    enforce: daemon ? gatekeeper.verdicts.isEnforcing : null,
    dryRun: dryClasses(config),
    counters: daemon ? counters(gatekeeper, daemon) : null,
  };
}

export const status: Command = {
  name: 'status',
  arguments: '',
  summary: 'say whether rater runs, what it holds and what is in trouble',
  options: [{ flags: '--json', summary: 'print one object' }],
  changes: false,
  run(context, _, options) {
    const { downtime, clock, daemon, gatekeeper } = context;
    const rest = facts(context);
    const troubles = gatekeeper.health.troubles();
    const tallies = gatekeeper.health.tallies();
    const nowMs = clock.wallMs();
    const well = rest.running && troubles.length === 0;
    const exit = well ? exitCodes.done.code : exitCodes.refused.code;
    if (options.json) {
      const json = {
        ...rest,
        configDigest: context.config.digest,
        transportTrouble: daemon?.transport().trouble ?? null,
        away: downtime ? downtimeJson(downtime, nowMs) : null,
        degraded: daemon ? Object.fromEntries(tallies.map(tallyJson)) : null,
        troubles: troubles.map(troubleJson),
      };
      return { exit, lines: [JSON.stringify(json)] };
    }
    const { running, pid, uptimeSeconds, enforce, dryRun, counters: counted, ...others } = rest;
    const up = running
      ? `running, pid ${pid}, for ${duration((uptimeSeconds ?? 0) * 1000)}`
      : 'not running';
    return {
      exit,
      lines: [
        `rater: ${up}`,
        ...(downtime ? [downtimeLine(downtime, nowMs)] : []),
        ...Object.entries(others).flatMap(([name, value]) =>
          value === null ? [] : `${name}: ${value}`,
        ),
        ...(enforce === false ? ['enforce: off, limits are only logged'] : []),
        ...dryRun.map((name) => `dry run: class ${name}, limits are only logged`),
        ...Object.entries(counted ?? {}).map(([name, value]) => `${wordsOf(name)}: ${value}`),
        ...tallies.flatMap(tallyLines),
        ...troubles.map(troubleLine),
      ],
    };
  },
};
