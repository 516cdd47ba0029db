/** A command of the program ipthrottle: how it is shown, parsed and carried out. */
import type { Command, CommandOptions, Outcome } from '../commands/command.ts';

export type Invocation = {
  /** Path of the configuration, and whether an option or the environment names it. */
  readonly file: string;
  readonly isFileChosen: boolean;
  readonly arguments: readonly string[];
  readonly options: CommandOptions;
};

export type CliCommand = Pick<Command, 'name' | 'arguments' | 'summary' | 'options' | 'choices'> & {
  /** @throws Fault */
  run(invocation: Invocation): Promise<Outcome>;
};
