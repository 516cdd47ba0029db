/**
 * Every setting of rater.conf(5): its group, name, kind, default, a line about it, and when a
 * change takes effect.
 *
 * The one table: loading reads it, the types of Config come from it, it tells what a reload and the
 * control shell may change, and a test holds the manual page to it. A setting that is not here does
 * not exist. `limits` and `allow` hold the admin's own names and values, so they have readers of
 * their own and no rows.
 */
import {
  boolean,
  command,
  databasePath,
  int,
  ipAddress,
  type Kind,
  mode,
  names,
  number,
  oneOf,
  path,
  port,
  replyText,
  seconds,
  socketPath,
  steps,
  userGroup,
} from './value-kinds.ts';

/** A setting; `Value` is what reading its group gives for it. */
export type Row<Value> = {
  readonly kind: Kind<Value>;
  readonly fallback: Value | undefined;
  readonly isRequired: boolean;
  /** The default as the manual writes it; undefined when there is none. */
  readonly shownDefault: string | undefined;
  readonly summary: string;
  /** When a change takes effect: after a restart, after a reload, or also at once by `var`. */
  readonly changes: 'restart' | 'reload' | 'live';
};

export type Table = Readonly<Record<string, Row<unknown>>>;

/** The values of a group by the names of its settings. */
export type ValuesOf<Name extends GroupName> = {
  readonly [Key in keyof (typeof schema)[Name]]: (typeof schema)[Name][Key] extends Row<infer Value>
    ? Value
    : never;
};

const minute = 60;
const day = 24 * 60 * minute;
const year = 365 * day;

/** Makers of rows whose changes take effect at that time. */
function rowsThatChange(changes: Row<unknown>['changes']) {
  return {
    usually<Value>(
      kind: Kind<Value>,
      fallback: NoInfer<Value>,
      summary: string,
      shownDefault = String(fallback),
    ): Row<Value> {
      return { kind, fallback, isRequired: false, shownDefault, summary, changes };
    },

    /** Undefined when absent, or what `shownDefault` says and loading works out. */
    optional<Value>(
      kind: Kind<Value>,
      summary: string,
      shownDefault?: string,
    ): Row<Value | undefined> {
      return { kind, fallback: undefined, isRequired: false, shownDefault, summary, changes };
    },

    required<Value>(kind: Kind<Value>, summary: string): Row<Value> {
      const absent = { fallback: undefined, shownDefault: undefined };
      return { kind, ...absent, isRequired: true, summary, changes };
    },
  };
}

const { usually, optional, required } = rowsThatChange('restart');
const onReload = rowsThatChange('reload');
const live = rowsThatChange('live');

export const schema = {
  settings: {
    socket: usually(socketPath, '/run/ipthrottle/rater.sock', 'Unix socket that answers checks'),
    socket_mode: usually(mode, 0o660, 'permissions of socket', '0660'),
    socket_group: optional(userGroup, 'group of socket'),
    control: optional(
      socketPath,
      'Unix socket for the operator, mode 0600',
      'control.sock in the directory of socket',
    ),
    address: usually(ipAddress, '127.0.0.1', 'address of the TCP listener'),
    port: optional(port, 'port of the TCP listener; without it there is none'),
    tcp_trusted: usually(boolean, false, 'hits by TCP count with those of socket, and may block'),
    control_address: usually(ipAddress, '127.0.0.1', 'address of the TCP control shell'),
    control_port: optional(port, 'port of the TCP control shell; without it there is none'),
    control_remote: usually(boolean, false, 'let control_address be other than loopback'),
    expiration_timer: usually(seconds(1, day), 180, 'time between two sweeps of idle counters'),
    max_age: live.usually(seconds(1, 31 * day), 90, 'time that hits without a limit are counted'),
    max_values: usually(int(1, 100_000_000), 1_000_000, 'how many values are counted at once'),
    max_connections: usually(
      int(1, 1_000_000),
      5000,
      'how many connections for checks may be open at once',
    ),
    backlog: usually(int(1, 65_535), 4096, 'how many clients may wait at each listener'),
    max_blocks: usually(
      int(1, 100_000_000),
      1_000_000,
      'with so many blocks in force, limits block nobody else',
    ),
    max_history: usually(int(0, 100_000_000), 1_000_000, 'offences of how many are remembered'),
    history: live.usually(
      int(0, 1_000_000),
      100_000,
      'how many events the history keeps; 0: none, and no hourly totals',
    ),
    history_days: live.usually(int(1, 3650), 90, 'for how many days the history keeps them'),
    db_path: usually(
      databasePath,
      '/var/lib/ipthrottle/ipthrottle.db',
      'database of blocks and offences',
    ),
    log: usually(path, '/dev/stderr', 'file that gets the log'),
    log_level: live.usually(int(0, 4), 3, '0 fatal, 1 error, 2 warning, 3 info, 4 debug'),
    log_format: usually(
      oneOf('auto', 'human', 'plain', 'json'),
      'auto',
      'how log lines look; auto is human on a terminal, else plain',
    ),
  },
  class: {
    prefix4: onReload.usually(
      int(8, 32),
      32,
      'IPv4 addresses are counted by networks of this many bits',
    ),
    prefix6: onReload.usually(
      int(16, 128),
      64,
      'IPv6 addresses are counted by networks of this many bits',
    ),
    also: onReload.usually(names, [], 'classes in which a hit of this one counts too', '()'),
    fold: onReload.usually(
      boolean,
      false,
      'values that differ in case, or in blanks around them, are one',
    ),
    concurrent: live.optional(int(0, 100_000), 'sessions of a value that may be open at once'),
    dry_run: live.usually(boolean, false, 'only tell what would be refused or blocked'),
    overload: live.usually(
      boolean,
      false,
      'refuse all that are not allowlisted during an overload',
    ),
  },
  blocking: {
    classes: onReload.usually(names, ['ip'], 'classes whose exceeded values are blocked', '("ip")'),
    time: live.usually(
      steps(1, year),
      [120],
      'how long a block lasts; a list gives the first, second, ... offence its own',
      '120',
    ),
    factor: live.usually(
      number(1, 1000),
      1,
      'after the last time, each offence multiplies it by this',
    ),
    cap: live.usually(seconds(1, year), year, 'no block is longer'),
    decay: live.usually(seconds(0, year), 0, 'each such time without offence forgets one; 0 never'),
    jitter: live.usually(int(0, 100), 0, 'up to this percentage is added to a block at random'),
    mode: usually(oneOf('silent', 'polite'), 'silent', 'how the server refuses blocked clients'),
    message: usually(
      replyText,
      'Too many connections, try again later',
      'what a polite refusal says after its code',
      '"Too many connections, try again later"',
    ),
    peers: optional(path, 'instructions directory of tcpsvd -i'),
    peers_timeout: optional(seconds(1, year), 'what tcpsvd -t is given'),
    peers_cdb: optional(path, 'the instructions directory compiled for tcpsvd -x'),
  },
  'blocking.tcprules': {
    source: required(path, "the admin's rules, read only"),
    cdb: required(path, 'the compiled rules that tcpserver -x reads, written by rater'),
  },
  metrics: {
    file: optional(path, 'file that gets the metrics, for node_exporter'),
    every: usually(seconds(1, 3600), 15, 'time between two versions of file'),
    socket: optional(socketPath, 'Unix socket that answers scrapes of Prometheus'),
    address: usually(ipAddress, '127.0.0.1', 'address that answers scrapes of Prometheus'),
    port: optional(port, 'port of that address; without it there is none'),
  },
  overload: {
    file: onReload.usually(
      path,
      '/var/qmail/control/overloaded',
      'the file that is there during an overload',
    ),
    command: onReload.usually(
      command,
      ['/var/qmail/bin/qmail-qstat'],
      'what prints the length of the queue, program and arguments',
      '("/var/qmail/bin/qmail-qstat")',
    ),
    above: onReload.usually(
      int(1, 10_000_000),
      100,
      'the overload begins above this many messages',
    ),
    below: onReload.usually(int(1, 10_000_000), 80, 'and ends below this many'),
    load_above: onReload.optional(number(0.01, 100_000), 'it also begins above this load average'),
    load_below: onReload.optional(
      number(0.01, 100_000),
      'and ends only below that one',
      'load_above',
    ),
    every: onReload.usually(
      seconds(0, day),
      0,
      'time between two measurements of the queue by rater; 0: never',
    ),
  },
} as const satisfies Readonly<Record<string, Table>>;

export type GroupName = keyof typeof schema;

/** A group as the file writes it: `class` goes by the names of the admin's classes. */
export function writtenAs(group: GroupName, name = 'NAME'): string {
  return group === 'class' ? `classes.${name}` : group;
}

/** What may stand at top level. */
export const topLevelNames = [
  'settings',
  'classes',
  'limits',
  'blocking',
  'allow',
  'overload',
  'metrics',
] as const;

/** What `group` may hold: its settings, and the groups inside it. */
export function namesIn(group: GroupName): string[] {
  const inner = Object.keys(schema).filter((name) => name.startsWith(`${group}.`));
  return [...Object.keys(schema[group]), ...inner.map((name) => name.slice(group.length + 1))];
}

/** The values of a group that the configuration does not mention. */
export function defaultsOf<Name extends Exclude<GroupName, 'blocking.tcprules'>>(
  group: Name,
): ValuesOf<Name> {
  const rows = Object.entries(schema[group] as Table);
  return Object.fromEntries(rows.map(([name, { fallback }]) => [name, fallback])) as ValuesOf<Name>;
}

/** A row with its place in the table. */
export type SettingRow = Row<unknown> & {
  readonly group: GroupName;
  readonly name: string;
  readonly description: string;
};

export function settingRows(): SettingRow[] {
  return Object.entries(schema as Readonly<Record<string, Table>>).flatMap(([group, table]) =>
    Object.entries(table).map(([name, row]) => ({
      ...row,
      group: group as GroupName,
      name,
      description: row.kind.description,
    })),
  );
}
