/**
 * Has a command carried out by the daemon or, while none is running, by this process on the store and
 * the servers' files.
 */
import type { Command, CommandOptions, Outcome } from '../commands/command.ts';
import { instantIn } from '../commands/instant-in.ts';
import { checkConfig, loadConfig, mistaken } from '../config/load-config.ts';
import { systemClock } from '../runtime/clock.ts';
import { Fault } from '../runtime/errors.ts';
import { askDaemon } from './ask-daemon.ts';
import { askDespiteMistakes } from './ask-despite-mistakes.ts';
import type { Invocation } from './cli-command.ts';
import { operatorName } from './operator-name.ts';

/** Those of its options, as every zone understands them. @throws Fault `usage` */
function instantsIn({ instants = [] }: Command, options: CommandOptions): CommandOptions {
  const nowMs = systemClock.wallMs();
  const given = instants.filter((name) => options[name] !== undefined);
  return Object.fromEntries(
    given.map((name) => [name, new Date(instantIn(String(options[name]), nowMs)).toISOString()]),
  );
}

/** What the daemon says; undefined when none is running. @throws Fault */
export async function ask(command: Command, invocation: Invocation): Promise<Outcome | undefined> {
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
export async function workOffline(command: Command, invocation: Invocation): Promise<Outcome> {
  const { arguments: args } = invocation;
  const options = { ...invocation.options, ...instantsIn(command, invocation.options) };
  // Loaded only when needed: the store's driver takes longer than all the rest.
  const { runOffline } = await import('./run-offline.ts');
  const call = { command: command.name, arguments: args, options, by: operatorName() };
  return runOffline(loadConfig(invocation.file), command, call);
}

/** @throws Fault */
export async function askOrRunOffline(command: Command, invocation: Invocation): Promise<Outcome> {
  return (await ask(command, invocation)) ?? (await workOffline(command, invocation));
}
