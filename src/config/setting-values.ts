/**
 * Where each setting of the schema stands in a Config, and how those that may change while rater
 * runs are changed in a copy of it.
 *
 * A setting of the schema that is missing here does not compile.
 */
import type { LimitClass } from '../core/limits.ts';
import type { Penalty } from '../core/penalty.ts';
import type { Blocking, Config, Settings } from './config.ts';
import type { GroupName, schema, ValuesOf } from './schema.ts';

/** A setting's value in a `Whole`; with `set` it may change at once. */
export type SettingValue<Whole, Value> = {
  get(whole: Whole): unknown;
  readonly set?: (whole: Whole, value: Value) => Whole;
};

type ValueTable<Whole, Name extends GroupName> = {
  readonly [Key in keyof ValuesOf<(typeof schema)[Name]>]-?: SettingValue<
    Whole,
    ValuesOf<(typeof schema)[Name]>[Key]
  >;
};

function withSettings(config: Config, changed: Partial<Settings>): Config {
  return { ...config, settings: { ...config.settings, ...changed } };
}

function withPenalty(config: Config, changed: Partial<Penalty>): Config {
  const blocking: Blocking = {
    ...config.blocking,
    penalty: { ...config.blocking.penalty, ...changed },
  };
  return { ...config, blocking };
}

/** Those that stand once in a configuration. */
export const settingValues: {
  readonly [Name in Exclude<GroupName, 'class'>]: ValueTable<Config, Name>;
} = {
  settings: {
    socket: { get: ({ settings }) => settings.socket },
    socket_mode: { get: ({ settings }) => `0${settings.socketMode.toString(8)}` },
    socket_group: { get: ({ settings }) => settings.socketGroup },
    control: { get: ({ settings }) => settings.controlSocket },
    address: { get: ({ settings }) => settings.address },
    port: { get: ({ settings }) => settings.port },
    tcp_trusted: { get: ({ settings }) => settings.tcpTrusted },
    control_address: { get: ({ settings }) => settings.controlAddress },
    control_port: { get: ({ settings }) => settings.controlPort },
    control_remote: { get: ({ settings }) => settings.controlRemote },
    expiration_timer: { get: ({ settings }) => settings.expirationTimer },
    max_age: {
      get: ({ settings }) => settings.maxAge,
      set: (config, maxAge) => withSettings(config, { maxAge }),
    },
    max_values: { get: ({ settings }) => settings.maxValues },
    max_connections: { get: ({ settings }) => settings.maxConnections },
    max_blocks: { get: ({ settings }) => settings.maxBlocks },
    max_history: { get: ({ settings }) => settings.maxHistory },
    db_path: { get: ({ settings }) => settings.dbPath },
    log: { get: ({ settings }) => settings.log ?? '/dev/stderr' },
    log_level: {
      get: ({ settings }) => settings.logLevel,
      set: (config, logLevel) => withSettings(config, { logLevel }),
    },
    log_format: { get: ({ settings }) => settings.logFormat },
  },
  blocking: {
    classes: { get: ({ blocking }) => [...blocking.classes] },
    time: {
      get: ({ blocking }) => blocking.penalty.steps,
      set: (config, steps) => withPenalty(config, { steps }),
    },
    factor: {
      get: ({ blocking }) => blocking.penalty.factor,
      set: (config, factor) => withPenalty(config, { factor }),
    },
    cap: {
      get: ({ blocking }) => blocking.penalty.capSeconds,
      set: (config, capSeconds) => withPenalty(config, { capSeconds }),
    },
    decay: {
      get: ({ blocking }) => blocking.penalty.decaySeconds,
      set: (config, decaySeconds) => withPenalty(config, { decaySeconds }),
    },
    jitter: {
      get: ({ blocking }) => Math.round(blocking.penalty.jitter * 100),
      set: (config, percent) => withPenalty(config, { jitter: percent / 100 }),
    },
    mode: { get: ({ blocking }) => blocking.mode },
    message: { get: ({ blocking }) => blocking.message },
    peers: { get: ({ blocking }) => blocking.peers?.directory },
    peers_timeout: { get: ({ blocking }) => blocking.peers?.timeoutSeconds },
    peers_cdb: { get: ({ blocking }) => blocking.peers?.cdb },
  },
  'blocking.tcprules': {
    source: { get: ({ blocking }) => blocking.tcprules?.source },
    cdb: { get: ({ blocking }) => blocking.tcprules?.cdb },
  },
  overload: {
    file: { get: ({ overload }) => overload.file },
    command: { get: ({ overload }) => overload.command },
    above: { get: ({ overload }) => overload.above },
    below: { get: ({ overload }) => overload.below },
    load_above: { get: ({ overload }) => overload.loadAbove },
    load_below: { get: ({ overload }) => overload.loadBelow },
    every: { get: ({ overload }) => overload.everySeconds },
  },
};

/** Those that each class has. */
export const classValues: ValueTable<LimitClass, 'class'> = {
  prefix4: { get: ({ prefix4 }) => prefix4 },
  prefix6: { get: ({ prefix6 }) => prefix6 },
  also: { get: ({ also }) => also },
  concurrent: {
    get: ({ concurrent }) => concurrent,
    set: (known, concurrent) => ({ ...known, concurrent }),
  },
  dry_run: {
    get: ({ dryRun }) => dryRun,
    set: (known, dryRun) => ({ ...known, dryRun }),
  },
  overload: {
    get: ({ overload }) => overload,
    set: (known, overload) => ({ ...known, overload }),
  },
};
