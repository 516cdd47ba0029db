/** A replay as a command line asks for it, which shows on a terminal how far it has got. */
import { instantInOption } from '../commands/instant-in.ts';
import { taiWithLeaps, taiWithoutLeaps } from '../logs/stamps.ts';
import { type Replay, type ReplayOptions, replay } from '../replay/replay.ts';
import type { Reading } from '../replay/replay-summary.ts';
import { systemClock } from '../runtime/clock.ts';
import { Fault } from '../runtime/errors.ts';
import { printable, quoted } from '../runtime/log.ts';
import type { Invocation } from './cli-command.ts';
import { ProgressLine } from './progress-line.ts';
import { troubleLines } from './replay-lines.ts';

/** What is read of the logs: the options that all commands with logs have. @throws Fault `usage` */
export function askedOf({ arguments: paths, options }: Invocation) {
  const nowMs = systemClock.wallMs();
  return {
    paths,
    sinceMs: instantInOption(options.since, nowMs),
    untilMs: instantInOption(options.until, nowMs),
    taiSeconds: taiSecondsIn(options.leapSeconds),
    class: options.class === undefined ? undefined : String(options.class),
  };
}

/** @throws Fault */
export function replayAsked(options: Omit<ReplayOptions, 'clock' | 'onProgress'>): Promise<Replay> {
  const progress = new ProgressLine(process.stderr, systemClock);
  const onProgress = (read: number, all: number) => progress.show(read, all);
  return replay({ ...options, clock: systemClock, onProgress }).finally(() => progress.clear());
}

/** Says on standard error what was wrong with the logs. */
export function warnOf(reading: Reading): void {
  for (const line of troubleLines(reading)) {
    process.stderr.write(`ipthrottle: warning: ${printable(line)}\n`);
  }
}

/** @throws Fault `usage` */
function taiSecondsIn(option: string | boolean | undefined): number | undefined {
  if (option === undefined) return undefined;
  if (option === 'yes') return taiWithLeaps;
  if (option === 'no') return taiWithoutLeaps;
  throw new Fault('usage', `--leap-seconds: neither yes nor no: ${quoted(String(option))}`);
}
