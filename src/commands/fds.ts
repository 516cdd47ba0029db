/** `fds`: the open connections of rater, how long they have been open and what they wait for. */
import { type Column, type Command, daemonOf } from './command.ts';
import { duration } from './words.ts';

const columns: readonly Column[] = [
  { name: 'KIND' },
  { name: 'OPEN FOR', rank: 1 },
  { name: 'WAITS FOR', rank: 2, least: 12 },
];

export const fds: Command = {
  name: 'fds',
  arguments: '',
  summary: 'list the open connections and what they wait for',
  options: [{ flags: '--json', summary: 'print one object' }],
  changes: false,
  needsDaemon: true,
  run(context, _, options) {
    const { listeners, open, descriptors, maxDescriptors } = daemonOf(context).connections();
    const nowMs = context.clock.monotonicMs();
    if (options.json) {
      const connections = open.map(({ kind, sinceMs, waitsFor }) => {
        return { kind, seconds: (nowMs - sinceMs) / 1000, waitsFor };
      });
      const json = { descriptors, maxDescriptors: maxDescriptors ?? null, listeners, connections };
      return { exit: 0, lines: [JSON.stringify(json)] };
    }
    const rows = [
      ...listeners.map(({ kind, where }) => [kind, '-', `clients on ${where}`]),
      ...open.map(({ kind, sinceMs, waitsFor }) => [kind, duration(nowMs - sinceMs), waitsFor]),
    ];
    const max = maxDescriptors === undefined ? '' : ` of at most ${maxDescriptors}`;
    return {
      exit: 0,
      lines: [`descriptors: ${descriptors}${max}`, { columns, rows }],
    };
  },
};
