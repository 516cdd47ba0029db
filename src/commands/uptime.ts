/** `uptime`: how long rater has been running. */
import { type Command, daemonOf } from './command.ts';
import { duration } from './words.ts';

export const uptime: Command = {
  name: 'uptime',
  arguments: '',
  summary: 'say how long rater has been running',
  options: [{ flags: '--json', summary: 'print one object' }],
  changes: false,
  needsDaemon: true,
  run(context, _, options) {
    const { pid, startedMs } = daemonOf(context);
    const upMs = context.clock.wallMs() - startedMs;
    if (options.json) {
      const json = { pid, since: new Date(startedMs).toISOString(), seconds: upMs / 1000 };
      return { exit: 0, lines: [JSON.stringify(json)] };
    }
    return {
      exit: 0,
      lines: [[`up ${duration(upMs)}, since `, { ms: startedMs }, `, pid ${pid}`]],
    };
  },
};
