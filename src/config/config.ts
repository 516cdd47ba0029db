/**
 * What rater and ipthrottle are told by rater.conf(5), checked and complete.
 */
import type { Address } from '../core/address.ts';
import type { LimitClass } from '../core/limits.ts';

export type Settings = {
  /** Path of the Unix socket that answers checks. */
  readonly socket: string;
  readonly socketMode: number;
  /** Group of the socket, by name or number. */
  readonly socketGroup: string | undefined;
  /** Path of the Unix socket for the operator, mode 0600. */
  readonly controlSocket: string;
  /** TCP listener: only when `port` is set. */
  readonly address: string;
  readonly port: number | undefined;
  /** TCP control shell: only when `controlPort` is set. */
  readonly controlAddress: string;
  readonly controlPort: number | undefined;
  /** Path of the database, or `:memory:`. */
  readonly dbPath: string;
  /** Path of the log file, or undefined: stderr. */
  readonly log: string | undefined;
  /** 0 fatal, 1 error, 2 warning, 3 info, 4 debug. */
  readonly logLevel: number;
  /** `auto` is `human` on a terminal, else `plain`. */
  readonly logFormat: 'auto' | 'human' | 'plain' | 'json';
  /** Seconds that marks of values without a limit are counted. */
  readonly maxAge: number;
  /** Seconds between two sweeps of idle counters. */
  readonly expirationTimer: number;
};

export type Blocking = {
  /** Classes whose exceeded values are blocked. */
  readonly classes: ReadonlySet<string>;
  /** How long a block lasts. */
  readonly seconds: number;
  /** tcpsvd's instructions directory; `timeoutSeconds` is what tcpsvd -t is given, or undefined. */
  readonly peers:
    | { readonly directory: string; readonly timeoutSeconds: number | undefined }
    | undefined;
  /** tcpserver's rules: the admin's source and the cdb that we write. */
  readonly tcprules: { readonly source: string; readonly cdb: string } | undefined;
};

export type Config = {
  /** The file it came from, absolute. */
  readonly file: string;
  readonly settings: Settings;
  readonly classes: ReadonlyMap<string, LimitClass>;
  readonly blocking: Blocking;
  /** Addresses and networks that are never refused or blocked. */
  readonly allow: readonly Address[];
};
