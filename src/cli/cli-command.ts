/** A command of the program ipthrottle: how it is shown and parsed, and who carries it out. */
import type { Command, CommandOptions, Outcome } from '../commands/command.ts';

export type Invocation = {
  /** The configuration, and whether it was named by option or variable. */
  readonly file: string;
  readonly isFileChosen: boolean;
  readonly arguments: readonly string[];
  readonly options: CommandOptions;
};

export type CliCommand = Pick<Command, 'name' | 'arguments' | 'summary' | 'options'> & {
  /** @throws Fault */
  run(invocation: Invocation): Promise<Outcome>;
};
