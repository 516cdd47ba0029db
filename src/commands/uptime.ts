/** `uptime`: how long rater has been running. */
import { type Command, daemonOf } from './command.ts';
import { duration } from './words.ts';

export const uptime: Command = {
  name: 'uptime',
  arguments: '',
  summary: 'say how long rater has been running',
  options: [],
  changes: false,
  needsDaemon: true,
  run(context) {
    const { pid, startedMs } = daemonOf(context);
    const up = duration(context.clock.wallMs() - startedMs);
    return { exit: 0, lines: [[`up ${up}, since `, { ms: startedMs }, `, pid ${pid}`]] };
  },
};
