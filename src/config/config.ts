/**
 * What rater.conf(5) tells rater and ipthrottle, checked and complete.
 *
 * Types and values come from the rows of schema.ts, by the names of their settings in camel case.
 * Only settings that the code wants in another shape than the file are named here.
 */
import type { Address } from '../core/address.ts';
import type { Limit } from '../core/limits.ts';
import type { Penalty } from '../core/penalty.ts';
import { type CamelCased, camelCased } from './camel-case.ts';
import type { ValuesOf } from './schema.ts';

/** The settings outside of classes, as the file writes them, with defaults filled in. */
export type Written = {
  readonly settings: ValuesOf<'settings'> & { readonly control: string };
  readonly blocking: ValuesOf<'blocking'>;
  readonly 'blocking.tcprules': ValuesOf<'blocking.tcprules'> | undefined;
  readonly overload: ValuesOf<'overload'>;
  readonly metrics: ValuesOf<'metrics'>;
};

/** A class of values, counted apart from all other classes. */
export type LimitClass = CamelCased<ValuesOf<'class'>> & {
  readonly name: string;
  /** Whether its values must be addresses. */
  readonly addresses: boolean;
  readonly limits: readonly Limit[];
};

/** `log` is undefined for stderr. */
export type Settings = Readonly<ReturnType<typeof settingsOf>>;
/** `peers` is tcpsvd's instructions directory, `tcprules` the rules of tcpserver, each if any. */
export type Blocking = Readonly<ReturnType<typeof blockingOf>>;
/** Where metrics are to be had. */
export type MetricsPlaces = Readonly<ReturnType<typeof metricsOf>>;
/** When the queue is too long, and how that is made known. */
export type Overload = Readonly<ReturnType<typeof overloadOf>>;

export type Config = {
  /** Absolute path of the file it came from. */
  readonly file: string;
  /** Absolute paths of that file and all it includes. */
  readonly files: readonly string[];
  /** Of all that was in them: SHA-256 in hexadecimal. */
  readonly digest: string;
  /** What `settings`, `blocking`, `overload` and `metrics` are made from. */
  readonly written: Written;
  readonly settings: Settings;
  readonly classes: ReadonlyMap<string, LimitClass>;
  readonly blocking: Blocking;
  readonly overload: Overload;
  readonly metrics: MetricsPlaces;
  /** Addresses and networks that are never refused or blocked. */
  readonly allow: readonly Address[];
  /** `file:line: warning: what is likely meant otherwise`, in the order of the files. */
  readonly warnings: readonly string[];
};

/** The Config with the settings in `written`, and everything else from `rest`. */
export function configOf(
  rest: Pick<Config, 'file' | 'files' | 'digest' | 'classes' | 'allow' | 'warnings'>,
  written: Written,
): Config {
  return {
    ...rest,
    written,
    settings: settingsOf(written.settings),
    blocking: blockingOf(written.blocking, written['blocking.tcprules']),
    overload: overloadOf(written.overload),
    metrics: metricsOf(written.metrics),
  };
}

function settingsOf(values: Written['settings']) {
  const { control: controlSocket, log, ...rest } = camelCased(values);
  return { ...rest, controlSocket, log: log === '/dev/stderr' ? undefined : log };
}

function blockingOf(values: Written['blocking'], tcprules: Written['blocking.tcprules']) {
  const { classes, time, factor, cap, decay, jitter, ...others } = camelCased(values);
  const { peers: directory, peersTimeout: timeoutSeconds, peersCdb: cdb, ...rest } = others;
  const penalty: Penalty = {
    steps: time,
    factor,
    capSeconds: cap,
    decaySeconds: decay,
    jitter: jitter / 100,
  };
  return {
    ...rest,
    classes: new Set(classes) as ReadonlySet<string>,
    penalty,
    peers: directory === undefined ? undefined : { directory, timeoutSeconds, cdb },
    tcprules,
  };
}

function metricsOf(values: Written['metrics']) {
  const { every: everySeconds, ...rest } = camelCased(values);
  return { ...rest, everySeconds };
}

export function overloadOf(values: Written['overload']) {
  const { every: everySeconds, ...rest } = camelCased(values);
  return { ...rest, everySeconds };
}
