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
    const { mistakes, waiting } = daemonOf(context).reload();
    const rest = waiting.length > 0 ? `; waiting for a restart: ${waiting.join(', ')}` : '';
    return mistakes.length === 0
      ? { exit: exitCodes.done.code, lines: [`reloaded ${context.config.file}${rest}`] }
      : {
          exit: exitCodes.operator.code,
          lines: [...mistakes, 'not reloaded: the configuration in use stays'],
        };
  },
};
