/** A site on which commands are run, by the daemon or without it. */

import { textLines } from '../../src/commands/answer-text.ts';
import type { CommandContext, CommandOptions } from '../../src/commands/command.ts';
import { runCommand } from '../../src/commands/commands.ts';
import type { RunningDaemon } from '../../src/commands/running-daemon.ts';
import { placesOf } from '../../src/enforcers/kinds.ts';
import { configFrom, gatekeeperSite } from '../gatekeeper/site.ts';

export function commandSite(text: string) {
  const site = gatekeeperSite(text);
  const { gatekeeper, time } = site;
  const clock = { wallMs: () => time.ms, monotonicMs: () => time.ms };
  const daemon = { pid: 1, startedMs: 0 } as RunningDaemon;
  const config = configFrom(text);
  const context: CommandContext = {
    config,
    gatekeeper,
    places: placesOf(config.blocking),
    clock,
    daemon,
    downtime: undefined,
  };

  /** Runs `allow add 192.0.2.1`, or its words; returns the exit code and the lines. */
  async function run(
    line: string | readonly string[],
    options: CommandOptions = {},
    changes: Partial<CommandContext> = {},
  ) {
    const [command = '', ...args] = typeof line === 'string' ? line.split(' ') : line;
    const call = { command, arguments: args, options };
    const outcome = await runCommand(call, { ...context, ...changes });
    return [outcome.exit, ...textLines(outcome.lines)];
  }

  /** The same while no daemon is running. */
  const runOffline = (line: string | readonly string[], options: CommandOptions = {}) => {
    return run(line, options, { daemon: undefined });
  };
  /** What a command prints as JSON. */
  const runJson = async (line: string) => {
    return JSON.parse(String((await run(line, { json: true }))[1]));
  };
  return { ...site, run, runOffline, runJson };
}
