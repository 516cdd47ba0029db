/**
 * `ipthrottle replay`: reads its options, shows how far it has got, and prints what came out. It asks
 * no daemon and changes nothing.
 */
import type { CommandOptions, Outcome } from '../commands/command.ts';
import { loadConfig } from '../config/load-config.ts';
import { longestWindow } from '../config/read-limits.ts';
import type { Rate } from '../core/limits.ts';
import { summaryOf } from '../replay/replay-summary.ts';
import { type Suggestion, suggestLimits } from '../replay/suggest-limits.ts';
import { exitCodes, Fault } from '../runtime/errors.ts';
import { quoted } from '../runtime/log.ts';
import type { Invocation } from './cli-command.ts';
import { askedOf, replayAsked, warnOf } from './replay-asked.ts';
import { replayLines } from './replay-lines.ts';

const usualPercent = 99;
const mostCandidates = 100;
const mostHits = 1_000_000;

/** @throws Fault */
export async function runReplay(invocation: Invocation): Promise<Outcome> {
  const { file, options } = invocation;
  const asked = askedOf(invocation);
  const percent = percentIn(options);
  const rates = ratesIn(options.try);
  const config = loadConfig(file);
  const against = options.against === undefined ? undefined : loadConfig(String(options.against));
  const replayed = await replayAsked({ ...asked, config, against, rates });
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
