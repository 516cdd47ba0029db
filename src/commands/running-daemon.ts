/**
 * What the running daemon knows of itself and does for commands. The commands own this contract
 * and src/daemon keeps it.
 *
 * Guarantee: every number here was measured or counted since the start; where nothing was, it is
 * undefined.
 */

/** What became of the checks of one class. */
export type ClassTally = {
  within: number;
  /** Refused without a block: a limit, sessions, overload. */
  exceeded: number;
  /** Refused because of a block, the one that was just made included. */
  blocked: number;
  errors: number;
};

/** Answer times: how many checks took less than `belowUs`, and not less than the row before. */
export type LatencyRow = { readonly belowUs: number; readonly checks: number };

export type Performance = {
  readonly checks: number;
  /** Checks per second over the last so many whole seconds; undefined: not up for so long yet. */
  readonly rates: readonly { readonly seconds: number; readonly perSecond: number | undefined }[];
  /** `-` stands for requests without a class that exists. */
  readonly classes: readonly (ClassTally & { readonly name: string })[];
  readonly latencies: readonly LatencyRow[];
};

export type Memory = {
  readonly residentBytes: number;
  readonly heapUsedBytes: number;
  readonly heapTotalBytes: number;
  readonly externalBytes: number;
};

/** A client that is connected now. */
export type Connection = {
  /** Of which listener. */
  readonly kind: string;
  readonly sinceMs: number;
  readonly waitsFor: string;
};

export type Connections = {
  /** Kind and address. */
  readonly listeners: readonly { readonly kind: string; readonly where: string }[];
  readonly open: readonly Connection[];
  /** Descriptors of all kinds that the process has open, and how many it may have. */
  readonly descriptors: number;
  readonly mostDescriptors: number | undefined;
};

export type PendingTimer = { readonly name: string; readonly inMs: number };

export type Child = {
  readonly pid: number;
  readonly forMs: number;
  readonly state: string;
  readonly command: string;
};

/** Something that `var` shows: a setting, or a switch that only the running daemon has. */
export type Variable = {
  /** `settings.log_level`, `classes.ip.dry_run`, `enforce`. */
  readonly name: string;
  readonly value: string;
  /** What the configuration says, where `var` changed it. */
  readonly configured: string | undefined;
  readonly isLive: boolean;
  /** What it may be, and what it is about. */
  readonly kind: string;
  readonly summary: string;
};

export interface Variables {
  all(): Variable[];
  /** By its name, or the end of one that no other has. @throws Fault `usage` */
  get(name: string): Variable;
  /** Changes it at once, until the configuration is read again. @throws Fault `usage` */
  set(name: string, words: readonly string[]): Variable;
}

export type LogState = {
  /** 0 to 4, and its name. */
  readonly level: number;
  readonly levelName: string;
  readonly file: string;
  readonly format: string;
};

export interface DaemonLogControl {
  state(): LogState;
  /** A number from 0 to 4 or its name. @throws Fault `usage` */
  setLevel(level: string): void;
  /** Goes on in another file, or on `stderr`. @throws Fault `usage` */
  moveTo(file: string): void;
  reopen(): void;
}

export interface DaemonFacts {
  readonly pid: number;
  readonly startedMs: number;
  readonly log: DaemonLogControl;
  readonly variables: Variables;
  performance(): Performance;
  memory(): Memory;
  connections(): Connections;
  timers(): PendingTimer[];
  children(): Child[];
  /** Reads the configuration again; the mistakes that keep the old one, none when it is in use. */
  reload(): readonly string[];
}
