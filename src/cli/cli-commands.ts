/**
 * All commands of ipthrottle(8) as one table; the manual's test reads it.
 *
 * Commands that the control shell has too go to the daemon, or are carried out here when it is down.
 * Of the others, `overload` and `replay` need neither daemon nor store, `doctor` examines both, and
 * `report` asks as `history` does, or replays.
 */
import { commands } from '../commands/commands.ts';
import { askOrRunOffline } from './ask-or-run-offline.ts';
import type { CliCommand } from './cli-command.ts';
import { doctor } from './doctor.ts';
import { overload } from './overload.ts';
import { replay } from './replay.ts';
import { report } from './report.ts';

export const cliCommands: readonly CliCommand[] = [
  ...commands.map((command): CliCommand => {
    return { ...command, run: (invocation) => askOrRunOffline(command, invocation) };
  }),
  overload,
  doctor,
  replay,
  report,
];
