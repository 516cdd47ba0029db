/** `tmr`: what rater will do by the clock, and when. */
import { type Command, daemonOf } from './command.ts';

export const tmr: Command = {
  name: 'tmr',
  arguments: '',
  summary: 'list the timers of rater, the next one first',
  options: [{ flags: '--json', summary: 'print an array of objects' }],
  changes: false,
  needsDaemon: true,
  run(context, _, options) {
    const timers = daemonOf(context)
      .timers()
      .toSorted((a, b) => a.inMs - b.inMs);
    const rounded = timers.map(({ name, inMs }) => ({ name, ms: Math.max(0, Math.round(inMs)) }));
    if (options.json) {
      const json = rounded.map(({ name, ms }) => ({ name, milliseconds: ms }));
      return { exit: 0, lines: [JSON.stringify(json)] };
    }
    const rows = rounded.map(({ name, ms }) => [name, `${ms} ms`]);
    return { exit: 0, lines: [{ columns: [{ name: 'WHAT' }, { name: 'DUE IN' }], rows }] };
  },
};
