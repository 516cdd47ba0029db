/** For programs that ask the running daemon again and again, wherever it listens by then. */
import type { Outcome } from '../commands/command.ts';
import type { CommandCall } from '../commands/commands.ts';
import { checkConfig, mistaken } from '../config/load-config.ts';
import { Fault } from '../runtime/errors.ts';
import { askDaemon } from './ask-daemon.ts';
import { socketDespiteMistakes, tellMistakes } from './ask-despite-mistakes.ts';

/**
 * Finds the daemon's socket by the configuration. The call that it returns throws Fault `daemon` while
 * no daemon is there, `notPermitted`. @throws Fault `config`
 */
export async function reachDaemon(file: string): Promise<(call: CommandCall) => Promise<Outcome>> {
  const checked = checkConfig(file);
  const path =
    checked.config?.settings.controlSocket ?? (await socketDespiteMistakes(file, checked));
  if (path === undefined) throw mistaken(checked);
  if (!checked.config) tellMistakes(checked);
  return async (call) => {
    const outcome = await askDaemon(path, call);
    if (!outcome) throw new Fault('daemon', `nobody listens on ${path}`);
    return outcome;
  };
}
