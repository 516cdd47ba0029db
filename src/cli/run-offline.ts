/**
 * Carries out a command on the store and the enforcers while no daemon is running.
 */
import { statSync } from 'node:fs';
import type { Command, Outcome } from '../commands/command.ts';
import { type CommandCall, runCommand } from '../commands/commands.ts';
import type { Config } from '../config/config.ts';
import { MemoryCounters } from '../counters/memory-counters.ts';
import { placesOf } from '../enforcers/kinds.ts';
import { makeEnforcers } from '../enforcers/make-enforcers.ts';
import { Gatekeeper } from '../gatekeeper/gatekeeper.ts';
import { Health } from '../health/health.ts';
import { downtimeAt, heartbeatPath } from '../health/heartbeat.ts';
import { isOverloaded } from '../overload/overload.ts';
import { systemClock } from '../runtime/clock.ts';
import { Fault, faults, reasonOf } from '../runtime/errors.ts';
import { type Fields, fieldsText, type Log } from '../runtime/log.ts';
import { loadDriver } from '../store/driver.ts';
import { openSound } from '../store/open-store.ts';
import type { SqliteStore } from '../store/sqlite-store.ts';
import { becomeOwner } from './become-owner.ts';

function complain(level: string) {
  return (event: string, fields: Fields = {}) => {
    process.stderr.write(`ipthrottle: ${level}: ${event}:${fieldsText(fields)}\n`);
  };
}

/** Commands print what they did; only trouble is logged. */
const log: Log = { info() {}, warn: complain('warning'), error: complain('error') };

/** @throws Fault `storeAccess` when that cannot be told. */
function isThere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    throw new Fault('storeAccess', `${path}: ${reasonOf(error)}`, error);
  }
}

function openStore(path: string): SqliteStore {
  if (path === ':memory:') throw new Fault('daemon', 'and its store is in its memory only');
  // The daemon's user may not be able to read it.
  loadDriver();
  becomeOwner(path);
  if (!isThere(path)) throw new Fault('store', `${path}: does not exist; rater creates it`);
  return openSound(path, log);
}

/** @throws Fault */
export async function runOffline(
  config: Config,
  command: Command,
  call: CommandCall,
): Promise<Outcome> {
  const health = new Health(log, systemClock);
  const gatekeeper = new Gatekeeper({
    config,
    health,
    store: openStore(config.settings.dbPath),
    counters: new MemoryCounters(),
    enforcers: makeEnforcers(config.blocking, log, health),
    log,
    clock: systemClock,
    random: Math.random,
    isOverloaded: () => isOverloaded(config.overload),
  });
  try {
    const downtime = downtimeAt(heartbeatPath(config.settings.dbPath));
    const places = placesOf(config.blocking);
    const known = { config, gatekeeper, places, clock: systemClock, daemon: undefined, downtime };
    const context = call.by === undefined ? known : { ...known, by: call.by };
    if (command.changes) gatekeeper.blocks.repair();
    const outcome = await runCommand(call, context);
    if (!command.changes) return outcome;
    const failed = gatekeeper.blocks.isInTrouble;
    return failed && outcome.exit === 0 ? { ...outcome, exit: faults.enforcer.exit } : outcome;
  } finally {
    gatekeeper.blocks.close();
  }
}
