/** `status`: whether rater runs, what it holds and what is in trouble. */
import { exitCodes } from '../errors.ts';
import type { Gatekeeper } from '../gatekeeper.ts';
import type { Command, CommandContext } from './command.ts';
import type { ClassTally, DaemonFacts } from './daemon-facts.ts';
import { duration } from './words.ts';

/** What was counted since rater's start. */
function counters({ blocks, dryRuns }: Gatekeeper, daemon: DaemonFacts) {
  const { checks, classes } = daemon.performance();
  const sum = (one: (tally: ClassTally) => number) => {
    return classes.reduce((total, tally) => total + one(tally), 0);
  };
  return {
    checks,
    within: sum(({ within }) => within),
    exceeded: sum(({ exceeded }) => exceeded),
    blocked: sum(({ blocked }) => blocked),
    errors: sum(({ errors }) => errors),
    blocksMade: blocks.made,
    wouldBlock: dryRuns.blocksTold,
    wouldRefuse: dryRuns.refusalsTold,
    failures: blocks.troubles.failures,
  };
}

/** `blocksMade` as `blocks made`. */
function wordsOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function facts({ config, gatekeeper, clock, daemon }: CommandContext) {
  const troubles = [...gatekeeper.blocks.currentTroubles()];
  return {
    running: daemon !== undefined,
    pid: daemon?.pid ?? null,
    uptimeSeconds: daemon ? Math.round((clock.wallMs() - daemon.startedMs) / 1000) : null,
    config: config.file,
    socket: config.settings.socket,
    database: config.settings.dbPath,
    peers: config.blocking.peers?.directory ?? null,
    tcprules: config.blocking.tcprules?.cdb ?? null,
    blocks: gatekeeper.blocks.size,
    values: daemon ? gatekeeper.trackedValues : null,
    enforce: daemon ? gatekeeper.verdicts.isEnforcing : null,
    counters: daemon ? counters(gatekeeper, daemon) : null,
    troubles: troubles.map(([part, what]) => ({ part, what })),
  };
}

export const status: Command = {
  name: 'status',
  arguments: '',
  summary: 'say whether rater runs, what it holds and what is in trouble',
  options: [{ flags: '--json', summary: 'print one object' }],
  changes: false,
  run(context, _, options) {
    const { troubles, ...rest } = facts(context);
    const well = rest.running && troubles.length === 0;
    const exit = well ? exitCodes.done.code : exitCodes.refused.code;
    if (options.json) return { exit, lines: [JSON.stringify({ ...rest, troubles })] };
    const { running, pid, uptimeSeconds, enforce, counters: counted, ...others } = rest;
    const up = running
      ? `running, pid ${pid}, for ${duration((uptimeSeconds ?? 0) * 1000)}`
      : 'not running';
    return {
      exit,
      lines: [
        `rater: ${up}`,
        ...Object.entries(others).flatMap(([name, value]) =>
          value === null ? [] : `${name}: ${value}`,
        ),
        ...(enforce === false ? ['enforce: off, limits are only told'] : []),
        ...Object.entries(counted ?? {}).map(([name, value]) => `${wordsOf(name)}: ${value}`),
        ...troubles.map(({ part, what }) => `trouble: ${part}: ${what}`),
      ],
    };
  },
};
