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
    const mistakes = daemonOf(context).reload();
    return mistakes.length === 0
      ? { exit: exitCodes.done.code, lines: [`reloaded ${context.config.file}`] }
      : {
          exit: exitCodes.operator.code,
          lines: [...mistakes, 'not reloaded: the configuration in use stays'],
        };
  },
};
