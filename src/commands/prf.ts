/** `prf`: how many checks rater answers, what it says and how quickly. */
import type { CheckTotals } from '../health/check-totals.ts';
import { type Column, type Command, daemonOf, type Table } from './command.ts';

function rateLine({ rates }: CheckTotals): string {
  const shown = rates.map(({ seconds, perSecond }) => {
    return `${perSecond === undefined ? '-' : perSecond.toFixed(1)} in the last ${seconds} s`;
  });
  return `per second: ${shown.join(', ')}`;
}

function named(...names: string[]): Column[] {
  return names.map((name) => ({ name }));
}

function classTable({ classes }: CheckTotals): Table {
  const rows = classes.map(({ name, within, exceeded, blocked, errors }) => {
    return [name, within, exceeded, blocked, errors];
  });
  return { columns: named('CLASS', 'WITHIN', 'EXCEEDED', 'BLOCKED', 'ERRORS'), rows };
}

/** Each row with the share of all checks that were answered in less than its time. */
function latencyTable({ latencies, checks }: CheckTotals): Table {
  let sofar = 0;
  const rows = latencies.map(({ belowUs, checks: some }) => {
    sofar += some;
    return [`< ${belowUs} us`, some, `${((100 * sofar) / checks).toFixed(2)}%`];
  });
  return { columns: named('ANSWERED IN', 'CHECKS', 'UP TO HERE'), rows };
}

export const prf: Command = {
  name: 'prf',
  arguments: '',
  summary: 'say how many checks were answered, how, and how quickly',
  options: [{ flags: '--json', summary: 'print one object' }],
  changes: false,
  needsDaemon: true,
  run(context, _, options) {
    const measured = daemonOf(context).checkTotals();
    if (options.json) return { exit: 0, lines: [JSON.stringify(measured)] };
    const lines = [`checks: ${measured.checks}`, rateLine(measured)];
    if (measured.checks === 0) return { exit: 0, lines };
    return { exit: 0, lines: [...lines, classTable(measured), latencyTable(measured)] };
  },
};
