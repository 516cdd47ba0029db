/** The table of commands. */

import { Fault } from '../errors.ts';
import { block } from './block.ts';
import { check } from './check.ts';
import type { Command, CommandContext, CommandOptions, Outcome } from './command.ts';
import { list } from './list.ts';
import { reap } from './reap.ts';
import { status } from './status.ts';
import { unblock } from './unblock.ts';

export const commands: readonly Command[] = [list, block, unblock, check, reap, status];

/** A command as it travels: from the command line to the control socket. */
export type CommandCall = {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly options: CommandOptions;
};

/** Runs a call; a Fault becomes its outcome. */
export async function runCommand(call: CommandCall, context: CommandContext): Promise<Outcome> {
  try {
    const command = commands.find(({ name }) => name === call.command);
    if (!command) throw new Fault('usage', `no such command: ${JSON.stringify(call.command)}`);
    return await command.run(context, call.arguments, call.options);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { exit: error.exit, lines: [`ipthrottle: error: ${error.message}`] };
  }
}
