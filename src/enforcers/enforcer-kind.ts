/**
 * A kind of enforcer, and all that the rest of ipthrottle has to know of it. A new one is a folder
 * beside this file and a row in kinds.ts.
 *
 * Guarantee: only `examine` loads what only doctor needs.
 */
import type { Stats } from 'node:fs';
import type { Blocking } from '../config/config.ts';
import type { Address } from '../core/address.ts';
import type { Block } from '../core/block.ts';
import type { Finding } from '../health/finding.ts';
import type { Enforcer } from './enforcer.ts';
import type { EnforcerListener } from './enforcer-events.ts';

export type EnforcerKind = {
  /** As in `blocking.NAME` and `status --json`. */
  readonly name: string;
  /** What it writes, for people: `peers directory`. */
  readonly writes: string;
  /** The path of that. Like the others, undefined when the configuration has no such enforcer. */
  place(blocking: Blocking): string | undefined;
  make(blocking: Blocking, listener: EnforcerListener): Enforcer | undefined;
  examine(blocking: Blocking): Promise<ExaminedEnforcer | undefined>;
};

/** What doctor examines. */
export type ExaminedEnforcer = {
  readonly directories: readonly EntryDirectory[];
  /** Each holds all entries and is replaced whole. */
  readonly files: readonly string[];
  /** Servers that read them; the probe starts each of which it finds none of the administrator's. */
  readonly servers: readonly ProbedServer[];
  /** The administrator's own entries that refuse. */
  denials(blocks: readonly Block[]): Denial[];
  /** What it adds to a check, by the check's name. */
  readonly checks: { readonly [check in EnforcerCheck]?: (facts: EnforcerFacts) => Finding[] };
};

export type EnforcerCheck = 'static-files' | 'rules' | 'dialect' | 'drift' | 'programs';

export type EnforcerFacts = {
  /** Every remembered block. */
  readonly blocks: readonly Block[];
  /** The blocks that are not over. */
  readonly current: readonly Block[];
  /** $PATH. */
  readonly searchPath: string;
};

/** A directory in which each entry is a file. */
export type EntryDirectory = {
  readonly path: string;
  /** The name of the file that blocks the address; undefined when there can be none. */
  fileName(address: Address): string | undefined;
  /** What a user who may write in it could do: `block or let in anyone`. */
  readonly power: string;
  /** Reasons why its server cannot use it; `stats` are those of the directory. */
  obstacles(stats: Stats): Finding[];
};

export type ProbedServer = {
  /** For people: `tcpsvd -i /etc/ipsvd/smtp/peers`. */
  readonly server: string;
  readonly program: string;
  readonly options: readonly string[];
  /** Whether the program at `path` has all of the options; undefined: every one has. */
  readonly isKnownTo?: (path: string) => boolean;
};

/** An address or network that is refused, and the file that says so. */
export type Denial = { readonly address: Address; readonly where: string };

/** The text of a polite refusal; undefined when blocked clients are refused in silence. */
export function refusalText({ mode, message }: Blocking): string | undefined {
  return mode === 'polite' ? message : undefined;
}
