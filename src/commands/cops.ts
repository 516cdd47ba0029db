/** `cops`: the child processes of rater, which compile rules and look at the queue. */
import { quoted } from '../runtime/log.ts';
import { type Column, type Command, daemonOf } from './command.ts';
import { countedNoun, duration } from './words.ts';

const columns: readonly Column[] = [
  { name: 'PID' },
  { name: 'STATE' },
  { name: 'FOR' },
  { name: 'COMMAND', rank: 1, least: 12 },
];

export const cops: Command = {
  name: 'cops',
  arguments: '',
  summary: 'list the child processes of rater',
  options: [{ flags: '--json', summary: 'print an array of objects' }],
  changes: false,
  needsDaemon: true,
  run(context, _, options) {
    const children = daemonOf(context).children();
    if (options.json) {
      const json = children.map(({ forMs, ...child }) => ({ ...child, seconds: forMs / 1000 }));
      return { exit: 0, lines: [JSON.stringify(json)] };
    }
    const rows = children.map(({ pid, forMs, state, command }) => {
      return [pid, state, duration(forMs), quoted(command)];
    });
    return {
      exit: 0,
      lines: [{ columns, rows, footer: countedNoun(rows.length, 'process', 'processes') }],
    };
  },
};
