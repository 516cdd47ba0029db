/**
 * Has a command carried out by the daemon or, while none is running, by this process on the store and
 * the servers' files.
 */
import type { Command, CommandOptions, Outcome } from '../commands/command.ts';
import { instantIn } from '../commands/instant-in.ts';
import { checkConfig, mistaken } from '../config/load-config.ts';
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

/** @throws Fault */
export async function askOrRunOffline(command: Command, invocation: Invocation): Promise<Outcome> {
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
  // Loaded only when needed: the store's driver takes longer than all the rest.
  const { runOffline } = await import('./run-offline.ts');
  return runOffline(config, command, call);
}
