/** Ours without the daemon around it: a gatekeeper on a real store and peers directory. */
import { join } from 'node:path';
import { loadConfig } from '../../src/config/load-config.ts';
import { MemoryCounters } from '../../src/counters/memory-counters.ts';
import { makeEnforcers } from '../../src/enforcers/make-enforcers.ts';
import { Gatekeeper } from '../../src/gatekeeper/gatekeeper.ts';
import { Health } from '../../src/health/health.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import type { Log } from '../../src/runtime/log.ts';
import { SqliteStore } from '../../src/store/sqlite-store.ts';
import type { Site } from './rater.ts';

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

export function gatekeeperOn(site: Site): Gatekeeper {
  const config = loadConfig(site.config);
  return new Gatekeeper({
    config,
    health: new Health(silent, systemClock),
    store: new SqliteStore(join(site.directory, 'blocks.db')),
    counters: new MemoryCounters(),
    enforcers: makeEnforcers(config.blocking, silent),
    log: silent,
    clock: systemClock,
    random: Math.random,
    isOverloaded: () => false,
  });
}
