/** The period of logs that are replayed: what would have become of every connection in them. */
import type { LimitClass } from '../config/config.ts';
import { loadConfig } from '../config/load-config.ts';
import { networkOf, parseAddress } from '../core/address.ts';
import { type Value, valueText } from '../core/value.ts';
import { readingOf } from '../replay/replay-summary.ts';
import { Period } from '../report/period.ts';
import type { Invocation } from './cli-command.ts';
import { askedOf, replayAsked, warnOf } from './replay-asked.ts';

export type ToldPeriod = {
  readonly period: Period;
  /** Sentences about where it comes from. */
  readonly notes: readonly string[];
};

/** The client as its class counts it, so that it is the same as that of its blocks. */
function clientOf(known: LimitClass | undefined, value: Value): Value {
  if (!known?.addresses || (typeof value === 'number' && known.prefix4 === 32)) return value;
  const address = parseAddress(valueText(value));
  if (!address) return value;
  return networkOf(address, address.family === 4 ? known.prefix4 : known.prefix6).text;
}

/** @throws Fault */
export async function periodOfLogs(invocation: Invocation): Promise<ToldPeriod> {
  const asked = askedOf(invocation);
  const config = loadConfig(invocation.file);
  const period = new Period();
  const replayed = await replayAsked({
    ...{ ...asked, config, rates: [] },
    observer: {
      connection(atMs, name, value, outcome) {
        if (outcome === 'not counted') return;
        const client = clientOf(config.classes.get(name), value);
        period.connection(atMs, name, client, outcome !== 'let in');
      },
      blocked(atMs, value, name, seconds, offence) {
        period.block({ atMs, value, class: name, seconds, offence });
      },
    },
  });
  const reading = readingOf(replayed);
  warnOf(reading);
  const { read, used } = reading.lines;
  const what = `Replayed from ${used} connections in ${read} lines of logs`;
  return {
    period,
    notes: [`${what}: this is what the limits of ${config.file} would have done.`],
  };
}
