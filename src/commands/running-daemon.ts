/**
 * What commands can ask of the running daemon and have it do. The commands own this contract and
 * src/daemon keeps it.
 *
 * Guarantee: every number here was measured or counted since the start, or else is undefined.
 */
import type { CheckTotals } from '../health/check-totals.ts';

export type Memory = {
  readonly residentBytes: number;
  readonly heapUsedBytes: number;
  readonly heapTotalBytes: number;
  readonly externalBytes: number;
};

/** A client that is connected now. */
export type Connection = {
  /** The kind of its listener. */
  readonly kind: string;
  readonly sinceMs: number;
  readonly waitsFor: string;
};

export type Connections = {
  readonly listeners: readonly { readonly kind: string; readonly where: string }[];
  readonly open: readonly Connection[];
  /** How many descriptors of all kinds the process has open, and how many it may have. */
  readonly descriptors: number;
  readonly maxDescriptors: number | undefined;
};

export type PendingTimer = { readonly name: string; readonly inMs: number };

export type Child = {
  readonly pid: number;
  readonly forMs: number;
  readonly state: string;
  readonly command: string;
};

/** Something that `var` shows: a setting, or a switch of the running daemon. */
export type Variable = {
  /** `settings.log_level`, `classes.ip.dry_run`, `enforce`. */
  readonly name: string;
  readonly value: string;
  /** What the configuration says, where `var` changed it. */
  readonly configured: string | undefined;
  readonly isLive: boolean;
  /** What values it may have, and what it is about. */
  readonly kind: string;
  readonly summary: string;
};

export interface Variables {
  all(): Variable[];
  /** By its name or an unambiguous end of it. @throws Fault `usage` */
  get(name: string): Variable;
  /** Changes it at once, until the configuration is read again. @throws Fault `usage` */
  set(name: string, words: readonly string[], by?: string): Variable;
}

export type LogState = {
  /** From 0 to 4. */
  readonly level: number;
  readonly levelName: string;
  readonly file: string;
  readonly format: string;
};

export interface DaemonLogControl {
  state(): LogState;
  /** A number from 0 to 4 or its name. @throws Fault `usage` */
  setLevel(level: string, by?: string): void;
  /** Goes on in another file, or on `stderr`. @throws Fault `usage` */
  moveTo(file: string, by?: string): void;
  reopen(): void;
}

/** What came of reading the configuration again. */
export type Reloaded = {
  /** Those that keep the old one; none when the new one is in use. */
  readonly mistakes: readonly string[];
  /** The changed settings that wait for a restart. */
  readonly waiting: readonly string[];
  /** What is doubtful in the new one, as `rater --check` prints it. */
  readonly warnings: readonly string[];
};

/** What serves the socket for checks. */
export type Transport = {
  readonly is: 'native' | 'node:net';
  /** Why the native one cannot be used, if that was wanted. */
  readonly trouble: string | undefined;
  /** The socket for checks by datagram, if there is one. */
  readonly datagrams: string | undefined;
};

export interface RunningDaemon {
  readonly pid: number;
  readonly startedMs: number;
  readonly log: DaemonLogControl;
  readonly variables: Variables;
  checkTotals(): CheckTotals;
  memory(): Memory;
  transport(): Transport;
  connections(): Connections;
  /** How late a timer was at most within the last minute or two, milliseconds. */
  latenessMs(): number;
  /** User and system time of the process. */
  cpuSeconds(): number;
  timers(): PendingTimer[];
  children(): Child[];
  reload(by?: string): Reloaded;
}
