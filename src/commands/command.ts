/**
 * What an operator can ask for, as one table: the ipthrottle command line, the daemon's control
 * socket, the manual and its test all read it.
 */

import type { Config } from '../config/config.ts';
import type { Gatekeeper } from '../gatekeeper/gatekeeper.ts';
import type { Downtime } from '../health/heartbeat.ts';
import type { Clock } from '../runtime/clock.ts';
import { Fault } from '../runtime/errors.ts';
import type { RunningDaemon } from './running-daemon.ts';

/** What a command says, and the exit code it leaves with. */
export type Outcome = { readonly exit: number; readonly lines: readonly string[] };

export type CommandContext = {
  readonly config: Config;
  readonly gatekeeper: Gatekeeper;
  readonly clock: Clock;
  /** Undefined when the command works on the store alone because rater is not running. */
  readonly daemon: RunningDaemon | undefined;
  /** The last one of rater, or that which goes on; undefined: none is known of. */
  readonly downtime: Downtime | undefined;
  /** Whether the caller may be any user of this host, because he came by TCP. */
  readonly isByTcp?: boolean;
};

export type CommandOptions = Readonly<Record<string, string | boolean | undefined>>;

export type Command = {
  readonly name: string;
  /** In commander's notation: `[address...]`; '' for none. */
  readonly arguments: string;
  readonly summary: string;
  readonly options: readonly { readonly flags: string; readonly summary: string }[];
  /** Whether it may change blocks. */
  readonly changes: boolean;
  /** Whether only the running daemon can carry it out. */
  readonly needsDaemon?: true;
  run(
    context: CommandContext,
    args: readonly string[],
    options: CommandOptions,
  ): Outcome | Promise<Outcome>;
};

/** What `needsDaemon` promises. @throws Fault `daemon` */
export function daemonOf({ daemon, config }: CommandContext): RunningDaemon {
  if (!daemon) throw new Fault('daemon', `nobody listens on ${config.settings.controlSocket}`);
  return daemon;
}
