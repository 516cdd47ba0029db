/**
 * Turns a person's line into the call of a command, by the table of commands: with the options that
 * commander gives the command line, but without commander.
 */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { Command, CommandOptions } from '../../commands/command.ts';
import type { CommandCall } from '../../commands/commands.ts';
import { noSuchCommand } from '../../commands/help.ts';
import { errnoOf, Fault, reasonOf } from '../../runtime/errors.ts';
import { splitWords } from './split-words.ts';

type OptionTable = NonNullable<ParseArgsConfig['options']>;

/** `--json`: a switch; `--for <time>`: with a value. */
function optionTable(command: Command): OptionTable {
  const rows = command.options.map(({ flags }) => {
    const [, name = '', value] = /--([\w-]+)( [<[])?/.exec(flags) ?? [];
    return [name, { type: value ? 'string' : 'boolean' }] as const;
  });
  return Object.fromEntries(rows);
}

/** As commander calls it: `load-above` is `loadAbove`. */
function camelCase(name: string): string {
  return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function parseOptions(command: Command, words: readonly string[]) {
  try {
    const options = optionTable(command);
    return parseArgs({ args: [...words], options, allowPositionals: true, strict: true });
  } catch (error) {
    if (!errnoOf(error)?.startsWith('ERR_PARSE_ARGS')) throw error;
    throw new Fault('usage', reasonOf(error), error);
  }
}

/** The call in a line; undefined when the line is empty. @throws Fault `usage` */
export function parseLine(line: string, table: readonly Command[]): CommandCall | undefined {
  const split = splitWords(line);
  if (typeof split === 'string') throw new Fault('usage', split);
  const [name, ...words] = split;
  if (name === undefined) return undefined;
  const command = table.find((each) => each.name === name);
  if (!command) throw new Fault('usage', `${noSuchCommand(name, table)}; try help`);
  const { positionals, values } = parseOptions(command, words);
  const options: CommandOptions = Object.fromEntries(
    Object.entries(values).map(([key, value]) => [camelCase(key), value as string | boolean]),
  );
  return { command: name, arguments: positionals, options };
}
