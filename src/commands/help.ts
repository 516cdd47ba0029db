/** `help` and `exit`: what only a person in the control shell needs. */
import { didYouMean } from '../config/closest-name.ts';
import { exitCodes, Fault } from '../runtime/errors.ts';
import { quoted } from '../runtime/log.ts';
import type { Command } from './command.ts';

/** What is said of a name that no command has. */
export function noSuchCommand(name: string, table: readonly { readonly name: string }[]): string {
  const names = table.map((command) => command.name);
  return `no such command: ${quoted(name)}${didYouMean(name, names)}`;
}

/** `block <address...> [--for <time>]`: how a command is called. */
export function usageOf({ name, arguments: args, options }: Command): string {
  return [name, args, ...options.map(({ flags }) => `[${flags}]`)].filter(Boolean).join(' ');
}

function details(command: Command): string[] {
  const width = Math.max(0, ...command.options.map(({ flags }) => flags.length));
  return [
    usageOf(command),
    `  ${command.summary}`,
    ...command.options.map(({ flags, summary }) => `  ${flags.padEnd(width)}  ${summary}`),
  ];
}

/** The command `help` of a table. */
export function helpFor(table: () => readonly Command[]): Command {
  return {
    name: 'help',
    arguments: '[command]',
    summary: 'say what can be asked for',
    options: [],
    changes: false,
    run(_, [name]) {
      const commands = table();
      if (name === undefined) {
        const width = Math.max(...commands.map((command) => command.name.length));
        const lines = commands.map((each) => `${each.name.padEnd(width)}  ${each.summary}`);
        return { exit: exitCodes.done.code, lines };
      }
      const command = commands.find((each) => each.name === name);
      if (!command) throw new Fault('usage', noSuchCommand(name, commands));
      return { exit: exitCodes.done.code, lines: details(command) };
    },
  };
}

/** The shell closes the connection after its answer. */
export const exit: Command = {
  name: 'exit',
  arguments: '',
  summary: 'close this connection',
  options: [],
  changes: false,
  run: () => ({ exit: exitCodes.done.code, lines: [] }),
};
