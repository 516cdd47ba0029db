/**
 * The daemon: opens the store, listens, puts blocks in force, keeps time, reloads, ends.
 *
 * Guarantee: when its socket exists, every block that the store remembers is known: who is blocked is
 * refused from the first answer on, and by the servers themselves as soon as all is in force.
 * Guarantee: SIGTERM loses no committed block; blocks stay in force while it is away.
 */

import type { CommandContext } from '../commands/command.ts';
import type { DaemonFacts, PendingTimer } from '../commands/running-daemon.ts';
import type { Config } from '../config/config.ts';
import { fixedChanges, keepFixed } from '../config/keep-fixed.ts';
import { checkConfig } from '../config/load-config.ts';
import { MemoryCounters } from '../counters/memory-counters.ts';
import type { Enforcer } from '../enforcers/enforcer.ts';
import { makeEnforcers } from '../enforcers/make-enforcers.ts';
import { Gatekeeper } from '../gatekeeper/gatekeeper.ts';
import { Performance } from '../health/check-metrics.ts';
import type { Degradations } from '../health/health.ts';
import { type Absence, LifeSign, lifeSignOf, secondsOf } from '../health/heartbeat.ts';
import { RareLog } from '../health/rare-log.ts';
import { Troubles } from '../health/troubles.ts';
import { isOverloaded } from '../overload/overload.ts';
import { OverloadWatch } from '../overload/overload-watch.ts';
import { type Clock, systemClock } from '../runtime/clock.ts';
import { reasonOf } from '../runtime/errors.ts';
import { takeInstanceLock } from '../store/instance-lock.ts';
import { openStore } from '../store/open-store.ts';
import { ConfigWatcher } from './config-watcher.ts';
import { DatabaseWatch } from './database-watch.ts';
import { Connections } from './listeners/connections.ts';
import { Doors } from './listeners/listeners.ts';
import { forStrangers, hasStrangers } from './listeners/untrusted-clients.ts';
import { logControl } from './log-control.ts';
import type { DaemonLog } from './pino-log.ts';
import { daemonFacts } from './running-daemon.ts';
import { Timers } from './scheduler.ts';
import { LiveVariables } from './variables.ts';

/** Between two signs of life. */
const signEveryMs = 5000;
const lookAtFilesMs = 1000;

export class Rater {
  readonly #log: DaemonLog;
  readonly #degradations: Degradations;
  readonly #rareLog: RareLog;
  readonly #troubles: Troubles;
  readonly #clock: Clock = systemClock;
  readonly #locks: readonly (() => void)[];
  readonly #enforcers: readonly Enforcer[];
  readonly #gatekeeper: Gatekeeper;
  readonly #timers: Timers;
  readonly #databaseWatch: DatabaseWatch;
  readonly #overloadWatch: OverloadWatch;
  readonly #configWatcher: ConfigWatcher;
  readonly #doors: Doors;
  readonly #performance = new Performance(systemClock);
  readonly #connections = new Connections();
  readonly #facts: DaemonFacts;
  readonly #lifeSign: LifeSign;
  /** Of all raters before this one. */
  #absence: Absence | undefined;
  /** As the file says, and in use: `var` changes the latter. */
  #configured: Config;
  #config: Config;

  /** Takes the lock, opens the store and learns its blocks. @throws Fault */
  constructor(config: Config, log: DaemonLog, degradations: Degradations) {
    this.#configured = config;
    this.#config = config;
    this.#log = log;
    this.#degradations = degradations;
    this.#rareLog = new RareLog(log, degradations);
    this.#troubles = new Troubles(log, degradations);
    this.#configWatcher = new ConfigWatcher(() => this.reload(), log, degradations);
    this.#configWatcher.follow(config.files);
    const { socket, dbPath } = config.settings;
    const locked = dbPath === ':memory:' ? [socket] : [socket, dbPath];
    this.#locks = locked.map((path) => takeInstanceLock(path));
    const store = openStore(dbPath, log, this.#clock.wallMs());
    this.#databaseWatch = new DatabaseWatch(dbPath, this.#troubles);
    this.#enforcers = makeEnforcers(config.blocking, log, degradations);
    this.#gatekeeper = new Gatekeeper({
      config,
      degradations,
      store,
      counters: this.#makeCounters(),
      countersApart: hasStrangers(config) ? this.#makeCounters() : undefined,
      enforcers: this.#enforcers,
      log,
      clock: this.#clock,
      random: Math.random,
      isOverloaded: () => isOverloaded(this.#config.overload),
    });
    this.#gatekeeper.start();
    this.#timers = new Timers(this.#gatekeeper, this.#clock);
    this.#overloadWatch = new OverloadWatch(
      () => this.#config.overload,
      log,
      this.#troubles,
      this.#clock,
    );
    this.#lifeSign = new LifeSign(lifeSignOf(dbPath), this.#clock);
    this.#facts = this.#makeFacts();
    this.#doors = this.#makeDoors();
  }

  /** Resolves when clients can connect. @throws Fault `listen` */
  async listen(): Promise<void> {
    const { settings } = this.#config;
    const { socket, port, controlPort } = settings;
    await this.#doors.open();
    const startedMs = this.#clock.monotonicMs();
    this.#timers.start(settings.expirationTimer, () => void this.#finishStart(startedMs));
    this.#timers.every('sign of life', signEveryMs, () => this.#sign(() => this.#lifeSign.goOn()));
    this.#timers.every('look at files', lookAtFilesMs, () => {
      this.#doors.look();
      this.#databaseWatch.look();
    });
    this.#overloadWatch.start();
    this.#absence = this.#sign(() => this.#lifeSign.begin());
    this.#log.info('ready', {
      socket,
      port,
      controlPort,
      blocks: this.#gatekeeper.blocks.size,
      pid: process.pid,
    });
    if (this.#absence) this.#tellOf(this.#absence);
  }

  /** All files are where they belong. They are watched from now on: before, we would see ourselves. */
  async #finishStart(startedMs: number): Promise<void> {
    for (const enforcer of this.#enforcers) enforcer.watch(() => this.#timers.followChanges());
    const { blocks } = this.#gatekeeper;
    await blocks.settle();
    if (blocks.currentTroubles().size > 0) return;
    const ms = Math.round(this.#clock.monotonicMs() - startedMs);
    this.#log.info('all in force', { blocks: blocks.size, ms });
  }

  /** Reads the configuration again; the mistakes of a broken one, which changes nothing. */
  reload(): readonly string[] {
    this.#reopenLog();
    const { config, mistakes } = checkConfig(this.#config.file);
    for (const mistake of mistakes) this.#log.error('not reloaded', { what: mistake });
    if (!config) {
      this.#degradations.note('configuration', 'configuration', mistakes.join('; '));
      return mistakes;
    }
    this.#degradations.ended('configuration', 'configuration');
    const waiting = fixedChanges(this.#config, config);
    if (waiting.length > 0) this.#log.warn('restart needed', { what: waiting.join(', ') });
    this.#configured = config;
    this.#configWatcher.follow(config.files);
    this.#use(keepFixed(this.#config, config));
    this.#log.info('reloaded', { file: config.file });
    return [];
  }

  /** Stops listening, finishes what is pending and lets go of everything. */
  async stop(): Promise<void> {
    this.#timers.stop();
    this.#overloadWatch.stop();
    await this.#configWatcher.close();
    this.#doors.close();
    this.#gatekeeper.blocks.close();
    this.#sign(() => this.#lifeSign.stop());
    for (const unlock of this.#locks) unlock();
    this.#log.info('stopped', { pid: process.pid });
  }

  #makeCounters(): MemoryCounters {
    const { maxValues } = this.#config.settings;
    return new MemoryCounters(maxValues, ({ class: name, value }) => {
      this.#rareLog.warn('value forgotten', { class: name, value });
    });
  }

  #use(config: Config): void {
    this.#config = config;
    this.#log.setLevel(config.settings.logLevel);
    this.#gatekeeper.configure(config);
    this.#overloadWatch.start();
  }

  #reopenLog(): void {
    try {
      this.#log.reopen();
      this.#troubles.worked('log', 'log');
    } catch (error) {
      this.#troubles.failed('log', 'log', reasonOf(error));
    }
  }

  /** Without a sign of life checks are answered all the same. */
  #sign<T>(give: () => T): T | undefined {
    try {
      const given = give();
      this.#troubles.worked('sign of life', 'sign of life');
      return given;
    } catch (error) {
      this.#troubles.failed('sign of life', 'sign of life', reasonOf(error));
      return undefined;
    }
  }

  #tellOf(absence: Absence): void {
    const seconds = secondsOf(absence, this.#clock.wallMs());
    const level = absence.ended === 'killed' ? 'warn' : 'info';
    this.#log[level]('was away', { seconds, ended: absence.ended });
  }

  #makeDoors(): Doors {
    const gatekeeper = this.#gatekeeper;
    return new Doors({
      settings: this.#config.settings,
      gatekeeper,
      byTcp: hasStrangers(this.#config) ? forStrangers(gatekeeper) : gatekeeper,
      context: () => this.#context(),
      connections: this.#connections,
      performance: this.#performance,
      clock: this.#clock,
      log: this.#log,
      rareLog: this.#rareLog,
      troubles: this.#troubles,
    });
  }

  #context(): CommandContext {
    return {
      config: this.#config,
      gatekeeper: this.#gatekeeper,
      clock: this.#clock,
      daemon: this.#facts,
      absence: this.#absence,
    };
  }

  #pendingTimers(): PendingTimer[] {
    const rebuilds = this.#enforcers.flatMap((enforcer) => {
      const inMs = enforcer.rebuildInMs?.();
      return inMs === undefined ? [] : [{ name: `rebuild ${enforcer.name}`, inMs }];
    });
    const { dueMs } = this.#overloadWatch;
    const look = dueMs === undefined ? undefined : dueMs - this.#clock.monotonicMs();
    const looks = look === undefined ? [] : [{ name: 'look for overload', inMs: look }];
    return [...this.#timers.pending(), ...rebuilds, ...looks];
  }

  #makeFacts(): DaemonFacts {
    const variables = new LiveVariables({
      gatekeeper: this.#gatekeeper,
      log: this.#log,
      configured: () => this.#configured,
      inUse: () => this.#config,
      use: (config) => this.#use(config),
    });
    const level = () => this.#config.settings.logLevel;
    const setLevel = (number: number) => {
      variables.set('settings.log_level', [String(number)]);
    };
    return daemonFacts({
      startedMs: this.#clock.wallMs(),
      log: logControl(this.#log, level, setLevel, () => this.#troubles.worked('log', 'log')),
      variables,
      performance: this.#performance,
      connections: this.#connections,
      timers: () => this.#pendingTimers(),
      reload: () => this.reload(),
    });
  }
}
