/**
 * The period that rater's history tells of: each block, and the connections of each hour. It does not
 * tell whose the connections were.
 */
import { history } from '../commands/history.ts';
import { Period } from '../report/period.ts';
import { askOrRunOffline } from './ask-or-run-offline.ts';
import type { Invocation } from './cli-command.ts';
import type { ToldPeriod } from './period-of-logs.ts';

const hourMs = 3_600_000;

/** What is read of the objects that `history --jsonl` prints. */
type ToldEvent = {
  readonly time: string;
  readonly class: string | null;
  readonly value: string | null;
  readonly forSeconds: number | null;
  readonly times: number;
};
type ToldHour = {
  readonly hour: string;
  readonly within: number;
  readonly exceeded: number;
  readonly blocked: number;
};

const note =
  'From the history of rater. It knows connections by the hour, as far as servers asked about them: ' +
  'those of a client that a server itself keeps out are not counted, nor whose the others were.';

/** @throws Fault */
export async function periodOfHistory(invocation: Invocation): Promise<ToldPeriod> {
  const { since, until, class: name } = invocation.options;
  const period = new Period(hourMs);
  const ask = async (more: Readonly<Record<string, string | boolean>>) => {
    const given = Object.entries({ since, until, class: name, ...more });
    const options = Object.fromEntries(given.filter(([, value]) => value !== undefined));
    const { lines } = await askOrRunOffline(history, { ...invocation, options });
    return lines.map((line) => JSON.parse(String(line)));
  };
  for (const total of (await ask({ hours: true, jsonl: true })) as ToldHour[]) {
    const { hour, within, exceeded, blocked } = total;
    const fromMs = Date.parse(hour);
    const refused = exceeded + blocked;
    period.connectionsIn(fromMs, fromMs + hourMs, within + refused, refused);
  }
  for (const block of (await ask({ event: 'blocked', jsonl: true })) as ToldEvent[]) {
    period.block({
      atMs: Date.parse(block.time),
      value: block.value ?? '',
      class: block.class ?? '',
      seconds: block.forSeconds ?? undefined,
      offence: block.times,
    });
  }
  return { period, notes: [note] };
}
