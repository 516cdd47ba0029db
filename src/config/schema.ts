/**
 * Every setting of rater.conf(5): its group, name, kind, default and a line about it.
 *
 * The one table: loading reads it, the control shell shows and changes by it, and a test holds
 * the manual page to it. A setting that is not here does not exist. `limits` and `allow` hold the
 * admin's own names and values, so they have readers of their own and no rows.
 */
import {
  databasePath,
  int,
  ipAddress,
  type Kind,
  mode,
  names,
  oneOf,
  path,
  port,
  seconds,
  socketPath,
  userGroup,
} from './value-kinds.ts';

/** `Value` is what reading the group gives for this setting. */
export type Row<Value> = {
  readonly kind: Kind<Value>;
  readonly fallback: Value | undefined;
  readonly isRequired: boolean;
  /** The default as the manual writes it; undefined: the setting may be absent. */
  readonly shownDefault: string | undefined;
  readonly summary: string;
};

// biome-ignore lint/suspicious/noExplicitAny: rows of every kind of value are in one table
export type Table = Readonly<Record<string, Row<any>>>;

export type ValuesOf<T extends Table> = {
  readonly [Name in keyof T]: T[Name] extends Row<infer Value> ? Value : never;
};

const minute = 60;
const day = 24 * 60 * minute;
const year = 365 * day;

function usually<Value>(
  kind: Kind<Value>,
  fallback: NoInfer<Value>,
  summary: string,
  shownDefault = String(fallback),
): Row<Value> {
  return { kind, fallback, isRequired: false, shownDefault, summary };
}

/** Absent means undefined, or what `shownDefault` says and loading works out. */
function optional<Value>(
  kind: Kind<Value>,
  summary: string,
  shownDefault?: string,
): Row<Value | undefined> {
  return { kind, fallback: undefined, isRequired: false, shownDefault, summary };
}

function required<Value>(kind: Kind<Value>, summary: string): Row<Value> {
  return { kind, fallback: undefined, isRequired: true, shownDefault: undefined, summary };
}

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
    control_address: usually(ipAddress, '127.0.0.1', 'address of the TCP control shell'),
    control_port: optional(port, 'port of the TCP control shell; without it there is none'),
    expiration_timer: usually(seconds(1, day), 180, 'time between two sweeps of idle counters'),
    max_age: usually(seconds(1, 31 * day), 90, 'time that marks without a limit are counted'),
    db_path: usually(
      databasePath,
      '/var/lib/ipthrottle/ipthrottle.db',
      'database of blocks and offences',
    ),
    log: usually(path, '/dev/stderr', 'file that gets the log'),
    log_level: usually(int(0, 4), 3, '0 fatal, 1 error, 2 warning, 3 info, 4 debug'),
    log_format: usually(
      oneOf('auto', 'human', 'plain', 'json'),
      'auto',
      'how log lines look; auto is human on a terminal, else plain',
    ),
  },
  blocking: {
    classes: usually(names, ['ip'], 'classes whose exceeded values are blocked', '("ip")'),
    time: usually(seconds(1, year), 120, 'how long a block lasts'),
    peers: optional(path, 'instructions directory of tcpsvd -i'),
    peers_timeout: optional(seconds(1, year), 'what tcpsvd -t is given'),
  },
  'blocking.tcprules': {
    source: required(path, "the admin's rules, read only"),
    cdb: required(path, 'the compiled rules that tcpserver -x reads, written by rater'),
  },
} as const satisfies Readonly<Record<string, Table>>;

export type GroupName = keyof typeof schema;

/** What may stand outside of all groups. */
export const topLevelNames = ['settings', 'limits', 'blocking', 'allow'] as const;

/** What `group` may hold: its settings, and the groups inside it. */
export function namesIn(group: GroupName): string[] {
  const inner = Object.keys(schema).filter((name) => name.startsWith(`${group}.`));
  return [...Object.keys(schema[group]), ...inner.map((name) => name.slice(group.length + 1))];
}

/** One row of the table for people and tests. */
export type SettingRow = {
  readonly group: GroupName;
  readonly name: string;
  readonly description: string;
  readonly unit: 'seconds' | undefined;
  readonly isRequired: boolean;
  readonly shownDefault: string | undefined;
  readonly summary: string;
};

export function settingRows(): SettingRow[] {
  return Object.entries(schema as Readonly<Record<string, Table>>).flatMap(([group, table]) =>
    Object.entries(table).map(([name, { kind, isRequired, shownDefault, summary }]) => ({
      group: group as GroupName,
      name,
      description: kind.description,
      unit: kind.unit,
      isRequired,
      shownDefault,
      summary,
    })),
  );
}
