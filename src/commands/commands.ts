/** The table of commands. */

import { Fault } from '../runtime/errors.ts';
import { allow } from './allow.ts';
import { block } from './block.ts';
import { check } from './check.ts';
import type { Command, CommandContext, CommandOptions, Outcome } from './command.ts';
import { cops } from './cops.ts';
import { fds } from './fds.ts';
import { exit, helpFor, noSuchCommand, usageOf } from './help.ts';
import { history } from './history.ts';
import { importEntries } from './import-entries.ts';
import { list } from './list.ts';
import { log } from './log.ts';
import { mem } from './mem.ts';
import { metrics } from './metrics.ts';
import { prf } from './prf.ts';
import { reap } from './reap.ts';
import { reload } from './reload.ts';
import { status } from './status.ts';
import { tmr } from './tmr.ts';
import { top } from './top.ts';
import { unblock } from './unblock.ts';
import { uptime } from './uptime.ts';
import { variable } from './variable.ts';

/** What ipthrottle(8) and the control shell both have, in the order of `help`: daily ones in front. */
export const commands: readonly Command[] = [
  top,
  list,
  check,
  history,
  block,
  unblock,
  allow,
  status,
  reload,
  reap,
  variable,
  log,
  uptime,
  prf,
  metrics,
  mem,
  fds,
  tmr,
  cops,
];

/** Everything that the control shell understands. */
export const shellCommands: readonly Command[] = [
  ...commands,
  importEntries,
  helpFor(() => shellCommands),
  exit,
];

/** A command as it travels: from the command line to the control socket. */
export type CommandCall = {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly options: CommandOptions;
  /** Whether the caller writes instants himself, in his own zone; others are sent text. */
  readonly writesInstants?: boolean;
  /** The caller's user, by his own word. */
  readonly by?: string;
};

/** How many arguments a command takes, by its notation. */
function argumentBounds(notation: string): { readonly min: number; readonly max: number } {
  const words = notation.split(' ').filter(Boolean);
  return {
    min: words.filter((word) => word.startsWith('<')).length,
    max: words.some((word) => word.includes('...')) ? Number.POSITIVE_INFINITY : words.length,
  };
}

/** Runs a call. @throws Fault */
export async function carryOut(call: CommandCall, context: CommandContext): Promise<Outcome> {
  const command = shellCommands.find(({ name }) => name === call.command);
  if (!command) throw new Fault('usage', noSuchCommand(call.command, shellCommands));
  const { min, max } = argumentBounds(command.arguments);
  const count = call.arguments.length;
  if (count < min || count > max) {
    throw new Fault('usage', `it is ${usageOf(command)}`);
  }
  return command.run(context, call.arguments, call.options);
}

/** Runs a call; a Fault becomes its outcome. */
export async function runCommand(call: CommandCall, context: CommandContext): Promise<Outcome> {
  try {
    return await carryOut(call, context);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { exit: error.exit, lines: [`ipthrottle: error: ${error.message}`] };
  }
}
