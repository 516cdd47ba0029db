/** `tmr`: what rater will do by the clock, and when. */
import { type Command, daemonOf } from './command.ts';
import { tableLines } from './words.ts';

export const tmr: Command = {
  name: 'tmr',
  arguments: '',
  summary: 'list the timers of rater, the next one first',
  options: [],
  changes: false,
  needsDaemon: true,
  run(context) {
    const timers = daemonOf(context)
      .timers()
      .toSorted((a, b) => a.inMs - b.inMs);
    const rows = timers.map(({ name, inMs }) => [name, `${Math.max(0, Math.round(inMs))} ms`]);
    return { exit: 0, lines: tableLines([['WHAT', 'DUE IN'], ...rows]) };
  },
};
