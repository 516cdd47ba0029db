/**
 * A check examines one subject of the installation, and gives each finding with a remedy.
 *
 * Guarantee: a check changes nothing. What it has to try out, it tries in a private directory that
 * it removes afterwards.
 */

import type { Config } from '../config/config.ts';
import type { ExaminedEnforcer } from '../enforcers/enforcer-kind.ts';
import type { Places } from '../enforcers/kinds.ts';
import type { ModeName } from '../health/degraded-modes.ts';
import type { Finding } from '../health/finding.ts';
import type { HowEnded } from '../health/heartbeat.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Remembered } from './remembered.ts';

/** The part of the running daemon's `status --json` that checks need. */
export type DaemonStatus = Places & {
  readonly pid: number;
  readonly config: string;
  /** Of what was read; undefined: an older rater does not tell. */
  readonly configDigest?: string;
  /** Why the native transport is not in use; undefined: an older rater has none. */
  readonly transportTrouble?: string | null;
  /** The socket for checks by datagram; undefined: an older rater has none. */
  readonly datagrams?: string | null;
  readonly database: string;
  readonly enforce: boolean | null;
  /** The classes whose limits are only logged; undefined: an older rater does not tell. */
  readonly dryRun?: readonly string[];
  /** Since its start. */
  readonly counters: { readonly checks: number; readonly errors: number } | null;
  /** The last downtime; instants are ISO 8601. */
  readonly away: {
    readonly seconds: number | null;
    readonly until: string | null;
    readonly ended: HowEnded;
  } | null;
  readonly degraded: Readonly<Record<ModeName, ToldTally>> | null;
  readonly troubles: readonly {
    readonly mode: ModeName;
    readonly part: string;
    readonly what: string;
    readonly since: string;
    readonly failures: number;
  }[];
};

/** How often a degraded mode occurred, when last, and since when it holds. */
export type ToldTally = {
  readonly count: number;
  readonly last: string | null;
  readonly since: string | null;
};

export type DaemonState =
  | { readonly is: 'running'; readonly status: DaemonStatus }
  | { readonly is: 'down' }
  | { readonly is: 'not permitted' | 'silent'; readonly why: string };

export type Installation = {
  readonly config: Config;
  readonly clock: Clock;
  /** $PATH. */
  readonly searchPath: string;
  /** Where the paths of other programs begin: `/`. */
  readonly root: string;
  /** The directory of ipthrottle itself, because ratecheck may be beside it. */
  readonly ownDirectory: string;
  readonly daemon: DaemonState;
  /** The configured ones, in the order of the table of kinds. */
  readonly enforcers: readonly ExaminedEnforcer[];
  /** Blocks and allowlist, or why they are unknown; undefined when another check reports why. */
  readonly remembered: Remembered | { readonly unknown: Finding | undefined };
  /** Reads them again, once recent changes have had time to reach the servers' files. */
  remember(): Promise<Remembered | undefined>;
};

export type Check = {
  readonly name: string;
  readonly looksAt: string;
  run(site: Installation): readonly Finding[] | Promise<readonly Finding[]>;
};
