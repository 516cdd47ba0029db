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

/** One line. */
export type Row = readonly (string | Instant)[];

/** A column of a table, and what becomes of it where a line has not enough room for all. */
export type Column = {
  readonly name: string;
  /** What its numbers are: an instant, wall clock milliseconds, or a duration, milliseconds. */
  readonly shows?: 'instant' | 'duration';
  /** The column with the highest is left out first; without one it is always there. */
  readonly rank?: number;
  /** Its texts may be cut, but not to fewer characters than these. */
  readonly least?: number;
  /** Those of its texts that there is no room for go below their rows instead; for the last column. */
  readonly goesBelow?: true;
};

export type Cell = string | number;

export type Table = {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
  /** For a person at a terminal, below the table. */
  readonly footer?: string;
};

/** A long line in pieces, which are made and sent in slices. */
export type Pieces = { readonly pieces: readonly string[] };

export type Line = string | Row | Table | Pieces;

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
  /** What may stand for placeholders in its arguments and options, where that is a few words. */
  readonly choices?: Readonly<Record<string, readonly string[]>>;
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
