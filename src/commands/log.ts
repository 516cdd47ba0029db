/** `log`: where the log goes and how much of it there is. */
import { Fault } from '../runtime/errors.ts';
import { quoted } from '../runtime/log.ts';
import { type Command, type CommandContext, daemonOf } from './command.ts';
import type { DaemonLogControl } from './running-daemon.ts';

function change(context: CommandContext, log: DaemonLogControl, args: readonly string[]): void {
  const [action, value] = args;
  if (args.length === 1 && action === 'reopen') {
    log.reopen();
  } else if (args.length === 2 && action === 'level') {
    log.setLevel(value ?? '', context.by);
  } else if (args.length === 2 && action === 'file') {
    // Otherwise any user of this host could have the daemon write to its own files.
    if (context.isByTcp) throw new Fault('notPermitted', 'log file is for the Unix socket only');
    log.moveTo(value ?? '', context.by);
  } else {
    throw new Fault('usage', 'log wants: level LEVEL, file PATH, file stderr, reopen, or nothing');
  }
}

export const log: Command = {
  name: 'log',
  arguments: '[action] [value]',
  summary: 'show where the log goes; level LEVEL, file PATH or reopen changes it',
  options: [{ flags: '--json', summary: 'print one object' }],
  choices: { action: ['level', 'file', 'reopen'] },
  changes: false,
  needsDaemon: true,
  run(context, args, options) {
    const { log: control } = daemonOf(context);
    if (args.length > 0) change(context, control, args);
    const { level, levelName, file, format } = control.state();
    const troubles = context.gatekeeper.health.troubles().filter(({ mode }) => mode === 'log');
    if (options.json) {
      const told = troubles.map(({ part, what }) => ({ part, what }));
      return {
        exit: 0,
        lines: [JSON.stringify({ level, levelName, file, format, troubles: told })],
      };
    }
    return {
      exit: 0,
      lines: [
        `level: ${level} (${levelName})`,
        `file: ${quoted(file)}`,
        `format: ${format}`,
        ...troubles.map(({ part, what }) => `trouble: ${part}: ${what}`),
      ],
    };
  },
};
