/**
 * All commands of ipthrottle(8) as one table; the manual's test reads it.
 *
 * Commands that the control shell has too go to the daemon, or are carried out here when it is down.
 * Of the others, `top` asks it again and again, `overload`, `replay` and `completion` need neither daemon
 * nor store, `doctor` examines both, and `report` asks as `history` does, or replays.
 */
import type { Outcome } from '../commands/command.ts';
import { commands } from '../commands/commands.ts';
import { importEntries } from '../commands/import-entries.ts';
import { ask, askOrRunOffline, workOffline } from './ask-or-run-offline.ts';
import type { CliCommand, Invocation } from './cli-command.ts';
import { completionOf } from './completion.ts';
import { doctor } from './doctor.ts';
import { exportBy } from './export.ts';
import { importBy } from './import.ts';
import { overload } from './overload.ts';
import { replay } from './replay.ts';
import { report } from './report.ts';
import { top } from './top.ts';

function askForName(name: string, invocation: Invocation): Promise<Outcome> {
  const command = commands.find((each) => each.name === name);
  if (!command) throw new Error(`no command ${name}`);
  return askOrRunOffline(command, invocation);
}

export const cliCommands: readonly CliCommand[] = [
  ...commands.map((command): CliCommand => {
    if (command.name === top.name) return top;
    return { ...command, run: (invocation) => askOrRunOffline(command, invocation) };
  }),
  doctor,
  replay,
  report,
  exportBy(askForName),
  importBy({
    byDaemon: (invocation) => ask(importEntries, invocation),
    offline: (invocation) => workOffline(importEntries, invocation),
  }),
  overload,
  completionOf(() => cliCommands),
];
