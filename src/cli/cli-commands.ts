/**
 * All commands of ipthrottle(8) as one table; the manual's test reads it.
 *
 * Commands that the control shell has too go to the daemon, or are carried out here when it is down.
 * Of the others, `top` asks it again and again, `overload`, `replay` and `completion` need neither daemon
 * nor store, and `doctor` examines both.
 */
import type { Command, CommandOptions, Outcome } from '../commands/command.ts';
import { commands } from '../commands/commands.ts';
import { importEntries } from '../commands/import-entries.ts';
import { instantIn } from '../commands/instant-in.ts';
import { checkConfig, loadConfig, mistaken } from '../config/load-config.ts';
import { systemClock } from '../runtime/clock.ts';
import { Fault } from '../runtime/errors.ts';
import { askDaemon } from './ask-daemon.ts';
import { askDespiteMistakes } from './ask-despite-mistakes.ts';
import type { CliCommand, Invocation } from './cli-command.ts';
import { completionOf } from './completion.ts';
import { doctor } from './doctor.ts';
import { exportBy } from './export.ts';
import { importBy } from './import.ts';
import { operatorName } from './operator-name.ts';
import { overload } from './overload.ts';
import { replay } from './replay.ts';
import { top } from './top.ts';

/** Those of its options, as every zone understands them. @throws Fault `usage` */
function instantsIn({ instants = [] }: Command, options: CommandOptions): CommandOptions {
  const nowMs = systemClock.wallMs();
  const given = instants.filter((name) => options[name] !== undefined);
  return Object.fromEntries(
    given.map((name) => [name, new Date(instantIn(String(options[name]), nowMs)).toISOString()]),
  );
}

/** What the daemon says; undefined when none is running. @throws Fault */
async function ask(command: Command, invocation: Invocation): Promise<Outcome | undefined> {
  const checked = checkConfig(invocation.file);
  const { config } = checked;
  const { arguments: args } = invocation;
  const options = { ...invocation.options, ...instantsIn(command, invocation.options) };
  const by = operatorName();
  const call = { command: command.name, arguments: args, options, writesInstants: true, by };
  const answered = config
    ? await askDaemon(config.settings.controlSocket, call)
    : await askDespiteMistakes(invocation.file, checked, call);
  if (answered) return answered;
  if (!config) throw mistaken(checked);
  if (command.needsDaemon) {
    throw new Fault('daemon', `nobody listens on ${config.settings.controlSocket}`);
  }
  return undefined;
}

/** @throws Fault */
async function workOffline(command: Command, invocation: Invocation): Promise<Outcome> {
  const { arguments: args } = invocation;
  const options = { ...invocation.options, ...instantsIn(command, invocation.options) };
  // Loaded only when needed: the store's driver takes longer than all the rest.
  const { runOffline } = await import('./run-offline.ts');
  const call = { command: command.name, arguments: args, options, by: operatorName() };
  return runOffline(loadConfig(invocation.file), command, call);
}

async function askOrRunOffline(command: Command, invocation: Invocation): Promise<Outcome> {
  return (await ask(command, invocation)) ?? (await workOffline(command, invocation));
}

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
  exportBy(askForName),
  importBy({
    byDaemon: (invocation) => ask(importEntries, invocation),
    offline: (invocation) => workOffline(importEntries, invocation),
  }),
  overload,
  completionOf(() => cliCommands),
];
