/**
 * What rater and ipthrottle are told by rater.conf(5), checked and complete.
 */
import type { Address } from '../core/address.ts';
import type { LimitClass } from '../core/limits.ts';
import type { Penalty } from '../core/penalty.ts';

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
  /** Whether hits by TCP count with those of the socket and may block, as those do. */
  readonly tcpTrusted: boolean;
  /** TCP control shell: only when `controlPort` is set. */
  readonly controlAddress: string;
  readonly controlPort: number | undefined;
  /** Whether the control shell may listen on an address that is not loopback. */
  readonly controlRemote: boolean;
  /** Path of the database, or `:memory:`. */
  readonly dbPath: string;
  /** Path of the log file, or undefined: stderr. */
  readonly log: string | undefined;
  /** 0 fatal, 1 error, 2 warning, 3 info, 4 debug. */
  readonly logLevel: number;
  /** `auto` is `human` on a terminal, else `plain`. */
  readonly logFormat: 'auto' | 'human' | 'plain' | 'json';
  /** Seconds that hits of values without a limit are counted. */
  readonly maxAge: number;
  /** Seconds between two sweeps of idle counters. */
  readonly expirationTimer: number;
  /** How many values are counted at once, one for each of its windows; the oldest is forgotten. */
  readonly maxValues: number;
  /** How many connections for checks may be open at once; those beyond are closed. */
  readonly maxConnections: number;
  /** How many blocks there may be before exceeding a limit makes no more. */
  readonly maxBlocks: number;
  readonly maxHistory: number;
};

export type Blocking = {
  /** Classes whose exceeded values are blocked. */
  readonly classes: ReadonlySet<string>;
  /** How long a block lasts. */
  readonly penalty: Penalty;
  /** `silent`: the server closes the connection; `polite`: it says `message` first. */
  readonly mode: 'silent' | 'polite';
  readonly message: string;
  /** tcpsvd's instructions directory; `timeoutSeconds` is what tcpsvd -t is given, or undefined. */
  readonly peers:
    | {
        readonly directory: string;
        readonly timeoutSeconds: number | undefined;
        /** The directory compiled for tcpsvd -x, or undefined. */
        readonly cdb: string | undefined;
      }
    | undefined;
  /** tcpserver's rules: the admin's source and the cdb that we write. */
  readonly tcprules: { readonly source: string; readonly cdb: string } | undefined;
};

/** When the queue is too long, and how that is told. */
export type Overload = {
  /** The file that is there while strangers are refused. */
  readonly file: string;
  /** What prints the queue's length, as `words` for execution without a shell. */
  readonly command: readonly string[];
  /** On above this many messages, off below that many. */
  readonly above: number;
  readonly below: number;
  /** The same for the load average of one minute, or undefined: not looked at. */
  readonly loadAbove: number | undefined;
  readonly loadBelow: number | undefined;
  /** Seconds between two looks of the daemon; 0: it does not look. */
  readonly everySeconds: number;
};

export type Config = {
  /** The file it came from, absolute. */
  readonly file: string;
  /** That and all files it includes, absolute. */
  readonly files: readonly string[];
  readonly settings: Settings;
  readonly classes: ReadonlyMap<string, LimitClass>;
  readonly blocking: Blocking;
  readonly overload: Overload;
  /** Addresses and networks that are never refused or blocked. */
  readonly allow: readonly Address[];
};
