/** `reload`: has rater read its configuration again. */
import { exitCodes } from '../runtime/errors.ts';
import { type Command, daemonOf } from './command.ts';

export const reload: Command = {
  name: 'reload',
  arguments: '',
  summary: 'read the configuration again; one with mistakes changes nothing',
  options: [],
  changes: false,
  needsDaemon: true,
  run(context) {
    const { mistakes, waiting, warnings } = daemonOf(context).reload(context.by);
    if (mistakes.length > 0) {
      const lines = [...mistakes, 'not reloaded: the configuration in use stays'];
      return { exit: exitCodes.operator.code, lines };
    }
    const rest = waiting.length > 0 ? `; waiting for a restart: ${waiting.join(', ')}` : '';
    const lines = [...warnings, `reloaded ${context.config.file}${rest}`];
    return { exit: exitCodes.done.code, lines };
  },
};
