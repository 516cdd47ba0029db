/** The troubles and degraded modes that the running daemon itself reports, past and present. */

import { degradedModes, type ModeName } from '../../health/degraded-modes.ts';
import { type Finding, hint, problem } from '../../health/finding.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Check, DaemonStatus, ToldTally } from '../check.ts';

/** How long a violent end is worth a hint. */
const recentMs = 86_400_000;

function current({ troubles: told }: DaemonStatus): Finding[] {
  return told.map(({ mode, part, what, since, failures }) => {
    const often = failures === 1 ? '' : `, ${failures} times`;
    return problem(`${part}: ${what}, since ${since}${often}`, degradedModes[mode].remedy);
  });
}

function ofMode(mode: ModeName, { count, last, since }: ToldTally, isUsed: boolean): Finding[] {
  const { sentence, remedy, ends } = degradedModes[mode];
  const times = count === 1 ? 'once' : `${count} times`;
  const what = `${sentence} (${times} since rater was started, last ${last})`;
  if (count === 0) return [];
  if (since === null) {
    // A quiet minute does not end it when no client could ask before or after.
    const goesOn = mode === 'failed open' && !isUsed;
    if (goesOn) return [problem(`${what}, and no client could`, remedy)];
    return [hint(`${what}, but no longer`, remedy)];
  }
  // `current` reports each part of a mode that lasts until mended.
  return ends === 'quiet' ? [problem(`${what}, and still is`, remedy)] : [];
}

function modes({ degraded, counters }: DaemonStatus): Finding[] {
  const isUsed = counters?.checks !== 0;
  return Object.entries(degraded ?? {}).flatMap(([mode, tally]) => {
    return ofMode(mode as ModeName, tally, isUsed);
  });
}

function violentEnd({ away }: DaemonStatus, clock: Clock): Finding[] {
  if (away?.ended !== 'killed' || away.until === null) return [];
  if (clock.wallMs() - Date.parse(away.until) > recentMs) return [];
  const length = away.seconds === null ? 'unknown time' : `${away.seconds} s`;
  const what = `rater was killed, and away for ${length} until ${away.until}`;
  return [hint(`${what}: meanwhile ratecheck let all in`, 'look for the reason in the logs')];
}

export const troubles: Check = {
  name: 'troubles',
  looksAt: 'what rater reports',
  run({ daemon, clock }): Finding[] {
    if (daemon.is !== 'running') return [];
    const { status } = daemon;
    const found = [...current(status), ...modes(status), ...violentEnd(status, clock)];
    if (status.enforce === false) {
      const what = 'limits are only logged, because they are switched off';
      found.push(hint(what, 'ipthrottle var enforce on'));
    }
    for (const name of status.dryRun ?? []) {
      const what = `limits of the class ${name} are only logged, because it is a dry run`;
      found.push(hint(what, `take dry_run out of classes.${name} when you have seen enough`));
    }
    return found;
  },
};
