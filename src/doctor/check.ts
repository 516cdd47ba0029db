/**
 * What a check is: it looks at one subject of the installation and tells what it found there, each
 * finding with what to do about it.
 *
 * Guarantee: a check changes nothing. Where it has to try something out, it does so in a private
 * directory that is gone afterwards.
 */

import type { Config } from '../config/config.ts';
import type { ExaminedEnforcer } from '../enforcers/enforcer-kind.ts';
import type { Places } from '../enforcers/kinds.ts';
import type { ModeName } from '../health/degraded-modes.ts';
import type { Finding } from '../health/finding.ts';
import type { HowEnded } from '../health/heartbeat.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Remembered } from './remembered.ts';

/** What `status --json` of the running daemon says, as far as checks need it. */
export type DaemonStatus = Places & {
  readonly pid: number;
  readonly config: string;
  /** Of what was read; undefined: an older rater does not tell. */
  readonly configDigest?: string;
  readonly database: string;
  readonly enforce: boolean | null;
  /** The last absence of rater; instants are ISO 8601. */
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

/** How often a degraded mode happened, when last, and since when now. */
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
  /** Where ipthrottle itself is, because ratecheck may be beside it. */
  readonly ownDirectory: string;
  readonly daemon: DaemonState;
  /** Those that the configuration asks for, in the order of the table of kinds. */
  readonly enforcers: readonly ExaminedEnforcer[];
  /** Blocks and allowlist, or why they cannot be told; undefined: because the daemon does not. */
  readonly remembered: Remembered | { readonly unknown: Finding | undefined };
  /** Remembers anew: what came a moment ago may not have reached the servers' files before. */
  remember(): Promise<Remembered | undefined>;
};

export type Check = {
  readonly name: string;
  readonly looksAt: string;
  run(site: Installation): readonly Finding[] | Promise<readonly Finding[]>;
};
