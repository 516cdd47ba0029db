/** `cops`: the child processes of rater, which compile rules and look at the queue. */
import { quoted } from '../runtime/log.ts';
import { type Command, daemonOf } from './command.ts';
import { duration, tableLines } from './words.ts';

export const cops: Command = {
  name: 'cops',
  arguments: '',
  summary: 'list the child processes of rater',
  options: [],
  changes: false,
  needsDaemon: true,
  run(context) {
    const rows = daemonOf(context)
      .children()
      .map(({ pid, forMs, state, command }) => {
        return [String(pid), state, duration(forMs), quoted(command)];
      });
    return { exit: 0, lines: tableLines([['PID', 'STATE', 'FOR', 'COMMAND'], ...rows]) };
  },
};
