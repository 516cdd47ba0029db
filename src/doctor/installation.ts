/** Gathers what all checks examine: whether the daemon answers, and what is remembered. */
import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Config } from '../config/config.ts';
import type { ExaminedEnforcer } from '../enforcers/enforcer-kind.ts';
import { kinds } from '../enforcers/kinds.ts';
import { problem } from '../health/finding.ts';
import type { Clock } from '../runtime/clock.ts';
import { Fault, reasonOf } from '../runtime/errors.ts';
import type { DaemonState, DaemonStatus, Installation } from './check.ts';
import { type Remembered, rememberedFrom, rememberedIn } from './remembered.ts';

export type Means = {
  readonly config: Config;
  readonly clock: Clock;
  readonly searchPath: string;
  readonly ownDirectory: string;
  readonly root: string;
  /** The daemon's answer to a command with --json; undefined when none is running. @throws Fault */
  readonly ask: (command: string, ...args: readonly string[]) => Promise<string | undefined>;
};

/** After this rater has read what was saved. */
const settlesInMs = 3000;

export async function examineInstallation(means: Means): Promise<Installation> {
  const { config, clock, searchPath, ownDirectory, root } = means;
  const daemon = await settledStateOfDaemon(means);
  return {
    config,
    clock,
    searchPath,
    ownDirectory,
    root,
    daemon,
    enforcers: await examineEnforcers(config),
    remembered: await rememberedBy(means, daemon),
    async remember() {
      const memory = await rememberedBy(means, daemon);
      return 'unknown' in memory ? undefined : memory;
    },
  };
}

async function examineEnforcers({ blocking }: Config): Promise<ExaminedEnforcer[]> {
  const examined = await Promise.all(kinds.map((kind) => kind.examine(blocking)));
  return examined.filter((enforcer) => enforcer !== undefined);
}

/** What was saved a moment ago, rater is about to read. */
async function settledStateOfDaemon(means: Means): Promise<DaemonState> {
  const daemon = await stateOfDaemon(means);
  if (daemon.is !== 'running' || hasLoaded(daemon.status, means.config)) return daemon;
  await pause(settlesInMs);
  return stateOfDaemon(means);
}

/** Whether rater has read the configuration as it is now. */
export function hasLoaded({ configDigest }: DaemonStatus, { digest }: Config): boolean {
  return configDigest === undefined || configDigest === digest;
}

async function stateOfDaemon(means: Means): Promise<DaemonState> {
  try {
    const text = await means.ask('status');
    return text === undefined ? { is: 'down' } : { is: 'running', status: JSON.parse(text) };
  } catch (error) {
    if (error instanceof Fault && error.code === 'notPermitted') {
      return { is: 'not permitted', why: error.detail };
    }
    return { is: 'silent', why: error instanceof Fault ? error.detail : reasonOf(error) };
  }
}

async function rememberedBy(
  means: Means,
  daemon: DaemonState,
): Promise<Installation['remembered']> {
  const { dbPath } = means.config.settings;
  try {
    if (daemon.is === 'running') return await toldBy(means);
    if (daemon.is !== 'down') return { unknown: undefined };
    if (dbPath === ':memory:') return { blocks: [], allowed: [] };
    if (!existsSync(dbPath)) {
      const remedy = 'start rater, which creates it, or correct settings.db_path';
      return { unknown: problem(`there is no ${dbPath}`, remedy) };
    }
    return rememberedIn(dbPath, means.clock.wallMs());
  } catch (error) {
    // A check of its own tells of the driver.
    return { unknown: isAboutDriver(error) ? undefined : unreadable(dbPath, error) };
  }
}

async function toldBy({ ask }: Means): Promise<Remembered> {
  return rememberedFrom((await ask('list')) ?? '', (await ask('allow', 'list')) ?? '');
}

function isAboutDriver(error: unknown): boolean {
  return error instanceof Fault && (error.code === 'driver' || error.code === 'incomplete');
}

function unreadable(path: string, error: unknown) {
  const isDamaged = error instanceof Fault && error.code === 'storeCorrupt';
  const remedy = isDamaged
    ? 'start rater, which sets it aside and takes the blocks from the peers directory'
    : 'make it readable by the user of rater, or run ipthrottle doctor as root';
  // The fault's detail names the private copy that was read.
  const reason = error instanceof Fault ? error.message.split(':')[0] : reasonOf(error);
  return problem(`${path}: ${reason}`, remedy);
}
