/**
 * What an operator can ask for. The ipthrottle command line, the daemon's control socket and the
 * manual's test all read one table of commands.
 */

import type { Config } from '../config/config.ts';
import type { Places } from '../enforcers/kinds.ts';
import type { Gatekeeper } from '../gatekeeper/gatekeeper.ts';
import type { Downtime } from '../health/heartbeat.ts';
import type { Clock } from '../runtime/clock.ts';
import { Fault } from '../runtime/errors.ts';
import type { RunningDaemon } from './running-daemon.ts';

/** An instant in what a command says, wall clock milliseconds; whoever asked sees it in his zone. */
export type Instant = { readonly ms: number };

export type Row = readonly (string | Instant)[];

/**
 * A line, or the rows of a table, of which the first is the header. With `wraps` the last cell of a row
 * goes below it where a terminal is too narrow.
 */
export type Line = string | Row | { readonly table: readonly Row[]; readonly wraps?: true };

/** What a command says, and the exit code it leaves with. */
export type Outcome = { readonly exit: number; readonly lines: readonly Line[] };

export type CommandContext = {
  readonly config: Config;
  readonly gatekeeper: Gatekeeper;
  /** Of the servers' files, by kind of enforcer. */
  readonly places: Places;
  readonly clock: Clock;
  /** Undefined when the command works on the store alone because rater is not running. */
  readonly daemon: RunningDaemon | undefined;
  /** The latest downtime, which may still go on; undefined when none is known. */
  readonly downtime: Downtime | undefined;
  /** Whether the call came by TCP, where the caller may be any user of this host. */
  readonly isByTcp?: boolean;
  /** Who calls, for the history; an operator of whom no more is known by default. */
  readonly by?: string;
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
  /** The options that are instants, which the caller means in his own zone. */
  readonly instants?: readonly string[];
  run(
    context: CommandContext,
    args: readonly string[],
    options: CommandOptions,
  ): Outcome | Promise<Outcome>;
};

/** The daemon that `needsDaemon` promises. @throws Fault `daemon` */
export function daemonOf({ daemon, config }: CommandContext): RunningDaemon {
  if (!daemon) throw new Fault('daemon', `nobody listens on ${config.settings.controlSocket}`);
  return daemon;
}
