/**
 * `ipthrottle replay`: reads its options, shows how far it has got, and prints what came out. It asks
 * no daemon and changes nothing.
 */
import type { CommandOptions, Outcome } from '../commands/command.ts';
import { instantIn } from '../commands/instant-in.ts';
import { loadConfig } from '../config/load-config.ts';
import { longestWindow } from '../config/read-limits.ts';
import type { Rate } from '../core/limits.ts';
import { taiWithLeaps, taiWithoutLeaps } from '../logs/stamps.ts';
import { replay } from '../replay/replay.ts';
import { type Reading, summaryOf } from '../replay/replay-summary.ts';
import { type Suggestion, suggestLimits } from '../replay/suggest-limits.ts';
import { systemClock } from '../runtime/clock.ts';
import { exitCodes, Fault } from '../runtime/errors.ts';
import { printable, quoted } from '../runtime/log.ts';
import type { Invocation } from './cli-command.ts';
import { ProgressLine } from './progress-line.ts';
import { replayLines, troubleLines } from './replay-lines.ts';

const usualPercent = 99;
const mostCandidates = 100;
const mostHits = 1_000_000;

/** @throws Fault */
export async function runReplay({ file, arguments: paths, options }: Invocation): Promise<Outcome> {
  const nowMs = systemClock.wallMs();
  const [sinceMs, untilMs] = ['since', 'until'].map((name) => {
    return options[name] === undefined ? undefined : instantIn(String(options[name]), nowMs);
  });
  const percent = percentIn(options);
  const rates = ratesIn(options.try);
  const taiSeconds = taiSecondsIn(options.leapSeconds);
  const config = loadConfig(file);
  const against = options.against === undefined ? undefined : loadConfig(String(options.against));
  const progress = new ProgressLine(process.stderr, systemClock);
  const replayed = await replay({
    ...{ paths, config, against, sinceMs, untilMs, rates, taiSeconds, clock: systemClock },
    class: options.class === undefined ? undefined : String(options.class),
    onProgress: (read, all) => progress.show(read, all),
  }).finally(() => progress.clear());
  const summary = summaryOf(replayed);
  const suggestions = percent === undefined ? [] : suggestLimits(replayed, percent / 100);
  warnOf(summary);
  return {
    exit: summary.lines.used > 0 ? exitCodes.done.code : exitCodes.refused.code,
    lines: options.json
      ? [JSON.stringify({ ...summary, suggestions: jsonOf(suggestions, percent) })]
      : replayLines(summary, suggestions, percent ?? 0),
  };
}

/** Says on standard error what was wrong with the logs. */
export function warnOf(reading: Reading): void {
  for (const line of troubleLines(reading)) {
    process.stderr.write(`ipthrottle: warning: ${printable(line)}\n`);
  }
}

function jsonOf(suggestions: readonly Suggestion[], percent: number | undefined) {
  return percent === undefined ? null : suggestions;
}

/** The part of clients to spare, in percent; undefined: suggest nothing. @throws Fault `usage` */
function percentIn({ suggest }: CommandOptions): number | undefined {
  if (suggest === undefined) return undefined;
  if (suggest === true) return usualPercent;
  const text = String(suggest);
  const percent = /^\d{1,3}(\.\d{1,6})?%?$/.test(text) ? Number.parseFloat(text) : Number.NaN;
  if (percent > 0 && percent <= 100) return percent;
  throw new Fault('usage', `--suggest: not a part of the clients in percent: ${quoted(text)}`);
}

/** Limits written as seconds/count; undefined: the usual ones. @throws Fault `usage` */
function ratesIn(option: string | boolean | undefined): Rate[] | undefined {
  if (option === undefined) return undefined;
  const words = String(option).split(',');
  const rates = words.map(rateIn);
  const twice = words.find((word, index) => words.indexOf(word) < index);
  if (twice !== undefined) throw new Fault('usage', `--try: ${quoted(twice)} is there twice`);
  if (rates.length <= mostCandidates) return rates;
  throw new Fault('usage', `--try: ${rates.length} limits, at most ${mostCandidates}`);
}

function rateIn(text: string): Rate {
  const [, seconds, count] = /^(\d{1,7})\/(\d{1,7})$/.exec(text) ?? [];
  const rate = { seconds: Number(seconds), count: Number(count) };
  const isGood = rate.seconds >= 1 && rate.seconds <= longestWindow && rate.count <= mostHits;
  if (isGood) return rate;
  throw new Fault('usage', `--try: not SECONDS/COUNT, as 60/10: ${quoted(text)}`);
}

/** @throws Fault `usage` */
export function taiSecondsIn(option: string | boolean | undefined): number | undefined {
  if (option === undefined) return undefined;
  if (option === 'yes') return taiWithLeaps;
  if (option === 'no') return taiWithoutLeaps;
  throw new Fault('usage', `--leap-seconds: neither yes nor no: ${quoted(String(option))}`);
}
