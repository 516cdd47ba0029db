/**
 * Has a command carried out by the daemon or, while none is running, by this process on the store and
 * the servers' files.
 */
import type { Command, CommandOptions, Outcome } from '../commands/command.ts';
import type { CommandCall } from '../commands/commands.ts';
import { instantIn } from '../commands/instant-in.ts';
import type { Config } from '../config/config.ts';
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

/** @throws Fault `usage` */
function callOf(command: Command, { arguments: args, options: given }: Invocation): CommandCall {
  const options = { ...given, ...instantsIn(command, given) };
  const by = operatorName();
  return { command: command.name, arguments: args, options, writesInstants: true, by };
}

type Asked = { readonly config: Config; readonly call: CommandCall };

/** What the daemon says, or else with what the command is to be carried out here. @throws Fault */
async function askFirst(
  command: Command,
  invocation: Invocation,
): Promise<{ readonly answer: Outcome } | Asked> {
  const call = callOf(command, invocation);
  const checked = checkConfig(invocation.file);
  const { config } = checked;
  const answer = config
    ? await askDaemon(config.settings.controlSocket, call)
    : await askDespiteMistakes(invocation.file, checked, call);
  if (answer) return { answer };
  if (!config) throw mistaken(checked);
  if (command.needsDaemon) {
    throw new Fault('daemon', `nobody listens on ${config.settings.controlSocket}`);
  }
  return { config, call };
}

/** What the daemon says; undefined when none is running. @throws Fault */
export async function ask(command: Command, invocation: Invocation): Promise<Outcome | undefined> {
  const asked = await askFirst(command, invocation);
  return 'answer' in asked ? asked.answer : undefined;
}

/** @throws Fault */
export function workOffline(command: Command, invocation: Invocation): Promise<Outcome> {
  const config = loadConfig(invocation.file);
  return work(command, { config, call: callOf(command, invocation) });
}

/** @throws Fault */
export async function askOrRunOffline(command: Command, invocation: Invocation): Promise<Outcome> {
  const asked = await askFirst(command, invocation);
  return 'answer' in asked ? asked.answer : work(command, asked);
}

async function work(command: Command, { config, call }: Asked): Promise<Outcome> {
  // Loaded only when needed: the store's driver takes longer than all the rest.
  const { runOffline } = await import('./run-offline.ts');
  return runOffline(config, command, call);
}
