/** `fds`: the open connections of rater, how long they have been open and what they wait for. */
import { type Command, daemonOf } from './command.ts';
import { duration, tableLines } from './words.ts';

export const fds: Command = {
  name: 'fds',
  arguments: '',
  summary: 'list the open connections and what they wait for',
  options: [],
  changes: false,
  needsDaemon: true,
  run(context) {
    const { listeners, open, descriptors, maxDescriptors } = daemonOf(context).connections();
    const nowMs = context.clock.monotonicMs();
    const rows = [
      ...listeners.map(({ kind, where }) => [kind, '-', `clients on ${where}`]),
      ...open.map(({ kind, sinceMs, waitsFor }) => [kind, duration(nowMs - sinceMs), waitsFor]),
    ];
    const max = maxDescriptors === undefined ? '' : ` of at most ${maxDescriptors}`;
    return {
      exit: 0,
      lines: [
        `descriptors: ${descriptors}${max}`,
        ...tableLines([['KIND', 'OPEN FOR', 'WAITS FOR'], ...rows]),
      ],
    };
  },
};
