/**
 * The daemon: opens the store, listens, puts blocks in force, keeps time, reloads, ends.
 *
 * Guarantee: when its socket exists, every block that the store remembers is known: blocked clients
 * are refused from the first answer on, and by the servers themselves once all is in force.
 * Guarantee: SIGTERM loses no committed block; blocks stay in force while it is down.
 */

import type { CommandContext } from '../commands/command.ts';
import { metricFamilies } from '../commands/metric-families.ts';
import type { PendingTimer, Reloaded, RunningDaemon } from '../commands/running-daemon.ts';
import type { Config } from '../config/config.ts';
import { configChanges } from '../config/config-changes.ts';
import { fixedChanges, keepFixed } from '../config/keep-fixed.ts';
import { checkConfig } from '../config/load-config.ts';
import { MemoryCounters } from '../counters/memory-counters.ts';
import type { Enforcer } from '../enforcers/enforcer.ts';
import { placesOf } from '../enforcers/kinds.ts';
import { makeEnforcers } from '../enforcers/make-enforcers.ts';
import { Gatekeeper } from '../gatekeeper/gatekeeper.ts';
import { CheckMetrics } from '../health/check-metrics.ts';
import { expositionOf } from '../health/exposition.ts';
import type { Health } from '../health/health.ts';
import { type Downtime, Heartbeat, heartbeatPath, secondsOf } from '../health/heartbeat.ts';
import { operator } from '../history/history.ts';
import { isOverloaded } from '../overload/overload.ts';
import { OverloadWatch } from '../overload/overload-watch.ts';
import { type Clock, systemClock } from '../runtime/clock.ts';
import { reasonOf } from '../runtime/errors.ts';
import { version } from '../runtime/program.ts';
import { type DriverTrouble, lostWithout } from '../store/driver.ts';
import { openStore } from '../store/open-store.ts';
import { ConfigWatcher } from './config-watcher.ts';
import type { DaemonLog } from './daemon-log.ts';
import { DatabaseWatch } from './database-watch.ts';
import { Connections } from './listeners/connections.ts';
import { Listeners } from './listeners/listeners.ts';
import { chooseTransport } from './listeners/native-transport.ts';
import { forUntrustedClients, hasUntrustedClients } from './listeners/untrusted-clients.ts';
import { Locks } from './locks.ts';
import { logControl } from './log-control.ts';
import { MetricsFile } from './metrics-file.ts';
import { runningDaemon } from './running-daemon.ts';
import { Scheduler } from './scheduler.ts';
import { LiveVariables } from './variables.ts';

const heartbeatEveryMs = 5000;
const lookAtFilesMs = 1000;
const countEveryMs = 60_000;

export class Rater {
  readonly #log: DaemonLog;
  readonly #health: Health;
  readonly #clock: Clock = systemClock;
  readonly #locks: Locks;
  readonly #enforcers: readonly Enforcer[];
  readonly #gatekeeper: Gatekeeper;
  readonly #scheduler: Scheduler;
  readonly #databaseWatch: DatabaseWatch;
  readonly #overloadWatch: OverloadWatch;
  readonly #configWatcher: ConfigWatcher;
  readonly #listeners: Listeners;
  readonly #metrics = new CheckMetrics(systemClock);
  readonly #connections = new Connections();
  readonly #transport = chooseTransport(process.env.IPTHROTTLE_TRANSPORT);
  readonly #runningDaemon: RunningDaemon;
  readonly #heartbeat: Heartbeat;
  #metricsFile: MetricsFile | undefined;
  /** The latest one before this rater. */
  #downtime: Downtime | undefined;
  /** The configuration as the file has it, and the one in use, which `var` changes. */
  #configured: Config;
  #config: Config;

  /**
   * Takes the locks, opens the store and learns its blocks. With trouble with the driver it takes no
   * lock, and leaves the database alone. @throws Fault
   */
  constructor(config: Config, log: DaemonLog, health: Health, trouble: DriverTrouble | undefined) {
    this.#configured = config;
    this.#config = config;
    this.#log = log;
    this.#health = health;
    this.#configWatcher = new ConfigWatcher(() => this.reload('file saved'), log, health);
    this.#configWatcher.follow(config.files);
    const { socket, dbPath } = config.settings;
    if (trouble) this.#tellOfDriver(trouble);
    const used = trouble ? ':memory:' : dbPath;
    const locked = used === ':memory:' ? [socket] : [socket, used];
    this.#locks = new Locks(trouble ? [] : locked, log, health);
    const store = openStore(used, log, this.#clock.wallMs());
    this.#databaseWatch = new DatabaseWatch(used, this.#health);
    this.#enforcers = makeEnforcers(config.blocking, log, health);
    this.#gatekeeper = new Gatekeeper({
      config,
      health,
      store,
      counters: this.#makeCounters(),
      untrustedCounters: hasUntrustedClients(config) ? this.#makeCounters() : undefined,
      enforcers: this.#enforcers,
      log,
      clock: this.#clock,
      random: Math.random,
      isOverloaded: () => isOverloaded(this.#config.overload),
    });
    this.#gatekeeper.history.follow(health);
    this.#gatekeeper.start();
    this.#scheduler = new Scheduler(this.#gatekeeper, this.#clock);
    this.#overloadWatch = new OverloadWatch(
      () => this.#config.overload,
      log,
      this.#health,
      this.#clock,
    );
    this.#heartbeat = new Heartbeat(heartbeatPath(dbPath), this.#clock);
    this.#runningDaemon = this.#makeRunningDaemon();
    this.#listeners = this.#makeListeners();
  }

  /** Resolves when clients can connect. @throws Fault `listen` */
  async listen(): Promise<void> {
    const { settings } = this.#config;
    const { socket, port, controlPort } = settings;
    await this.#listeners.open();
    const startedMs = this.#clock.monotonicMs();
    this.#scheduler.start(settings.expirationTimer, () => void this.#finishStart(startedMs));
    this.#scheduler.every('heartbeat', heartbeatEveryMs, () =>
      this.#tryHeartbeat(() => this.#heartbeat.goOn()),
    );
    this.#scheduler.every('look at files', lookAtFilesMs, () => {
      this.#listeners.look();
      this.#locks.look();
      this.#databaseWatch.look();
      this.#configWatcher.look();
      for (const enforcer of this.#enforcers) enforcer.look?.();
    });
    this.#scheduler.every('hourly totals', countEveryMs, () => this.#countHour());
    this.#overloadWatch.start();
    this.#writeMetrics();
    this.#downtime = this.#tryHeartbeat(() => this.#heartbeat.begin());
    this.#log.info('ready', {
      socket,
      port,
      controlPort,
      blocks: this.#gatekeeper.blocks.size,
      pid: process.pid,
    });
    this.#noteStart();
    if (this.#downtime) this.#tellOf(this.#downtime);
    this.#tellWarnings();
  }

  #writeMetrics(): void {
    const { file, everySeconds } = this.#config.metrics;
    if (file === undefined) return;
    const metricsFile = new MetricsFile(file, () => this.#exposition(), this.#health);
    this.#metricsFile = metricsFile;
    metricsFile.write();
    this.#scheduler.every('metrics', everySeconds * 1000, () => metricsFile.write());
  }

  /** Runs when all entries are in place. Watching earlier would report our own changes. */
  async #finishStart(startedMs: number): Promise<void> {
    for (const enforcer of this.#enforcers) enforcer.watch(() => this.#scheduler.followChanges());
    const { blocks } = this.#gatekeeper;
    await blocks.settle();
    if (blocks.isInTrouble) return;
    const ms = Math.round(this.#clock.monotonicMs() - startedMs);
    this.#log.info('all in force', { blocks: blocks.size, ms });
  }

  /** Reads the configuration again, because of `by`; a broken one changes nothing. */
  reload(by = operator): Reloaded {
    this.#reopenLog();
    const read = this.#configWatcher.identities();
    const { config, mistakes } = checkConfig(this.#config.file);
    for (const mistake of mistakes) this.#log.error('not reloaded', { what: mistake });
    if (!config) {
      this.#health.note('configuration', 'configuration', mistakes.join('; '));
      return { mistakes, waiting: [], warnings: [] };
    }
    this.#health.ended('configuration', 'configuration');
    const waiting = fixedChanges(this.#config, config);
    if (waiting.length > 0) this.#log.warn('restart needed', { what: waiting.join(', ') });
    this.#configured = config;
    this.#configWatcher.follow(config.files, read);
    const [before, used] = [this.#config, keepFixed(this.#config, config)];
    this.#use(used);
    this.#log.info('reloaded', { file: config.file });
    const changes = [
      ...configChanges(before, used),
      ...waiting.map((name) => `${name} waits for a restart`),
    ];
    const reason = changes.join('; ') || 'nothing changed';
    this.#gatekeeper.history.note({ event: 'reloaded', by, reason });
    this.#tellWarnings();
    return { mistakes, waiting, warnings: config.warnings };
  }

  /** Stops listening, because of `by`, finishes what is pending and lets go of everything. */
  async stop(by: string): Promise<void> {
    this.#scheduler.stop();
    this.#overloadWatch.stop();
    await this.#configWatcher.close();
    await this.#metricsFile?.remove();
    this.#listeners.close();
    this.#health.tellUntold();
    this.#countHour();
    this.#gatekeeper.history.note({ event: 'stopped', by });
    this.#gatekeeper.blocks.close();
    this.#tryHeartbeat(() => this.#heartbeat.stop());
    this.#locks.release();
    this.#log.info('stopped', { pid: process.pid });
  }

  #makeCounters(): MemoryCounters {
    const { maxValues } = this.#config.settings;
    return new MemoryCounters(maxValues, ({ class: name, value }) => {
      this.#health.warn('value forgotten', { class: name, value });
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
      this.#health.worked('log', 'log');
    } catch (error) {
      this.#health.failed('log', 'log', reasonOf(error));
    }
  }

  /** Trouble with the heartbeat is noted and stops nothing. */
  #tryHeartbeat<T>(beat: () => T): T | undefined {
    try {
      const result = beat();
      this.#health.worked('heartbeat', 'heartbeat');
      return result;
    } catch (error) {
      this.#health.failed('heartbeat', 'heartbeat', reasonOf(error));
      return undefined;
    }
  }

  #tellOfDriver({ what, remedy }: DriverTrouble): void {
    const { dbPath } = this.#config.settings;
    const lost = lostWithout(dbPath);
    this.#log.error('without driver', { what, lost, remedy: `${remedy}, then restart rater` });
    const part = dbPath === ':memory:' ? 'locks' : 'database';
    this.#health.note('driver', part, `${what}: ${lost}`);
  }

  #tellWarnings(): void {
    for (const what of this.#config.warnings) this.#log.warn('doubtful configuration', { what });
  }

  #countHour(): void {
    this.#gatekeeper.history.count(this.#metrics.measured().classes);
  }

  #noteStart(): void {
    const was = this.#downtime;
    const seconds = was && secondsOf(was, this.#clock.wallMs());
    const away = was && `; the last one was ${was.ended}, ${seconds ?? 'unknown'} seconds before`;
    this.#gatekeeper.history.note({ event: 'started', reason: `version ${version}${away ?? ''}` });
  }

  #tellOf(downtime: Downtime): void {
    const seconds = secondsOf(downtime, this.#clock.wallMs());
    const level = downtime.ended === 'killed' ? 'warn' : 'info';
    this.#log[level]('was away', { seconds, ended: downtime.ended });
  }

  #makeListeners(): Listeners {
    const gatekeeper = this.#gatekeeper;
    return new Listeners({
      settings: this.#config.settings,
      metricsPlaces: this.#config.metrics,
      gatekeeper,
      byTcp: hasUntrustedClients(this.#config) ? forUntrustedClients(gatekeeper) : gatekeeper,
      context: () => this.#context(),
      connections: this.#connections,
      metrics: this.#metrics,
      exposition: () => this.#exposition(),
      clock: this.#clock,
      log: this.#log,
      health: this.#health,
      native: this.#transport.native,
    });
  }

  #exposition(): string {
    return expositionOf(metricFamilies(this.#context(), this.#runningDaemon));
  }

  #context(): CommandContext {
    return {
      config: this.#config,
      gatekeeper: this.#gatekeeper,
      places: placesOf(this.#config.blocking),
      clock: this.#clock,
      daemon: this.#runningDaemon,
      downtime: this.#downtime,
    };
  }

  #pendingTimers(): PendingTimer[] {
    const rebuilds = this.#enforcers.flatMap((enforcer) => {
      const inMs = enforcer.rebuild?.inMs;
      return inMs === undefined ? [] : [{ name: `rebuild ${enforcer.name}`, inMs }];
    });
    const { dueMs } = this.#overloadWatch;
    const look = dueMs === undefined ? undefined : dueMs - this.#clock.monotonicMs();
    const looks = look === undefined ? [] : [{ name: 'look for overload', inMs: look }];
    return [...this.#scheduler.pending(), ...rebuilds, ...looks];
  }

  #makeRunningDaemon(): RunningDaemon {
    const variables = new LiveVariables({
      gatekeeper: this.#gatekeeper,
      log: this.#log,
      configured: () => this.#configured,
      inUse: () => this.#config,
      use: (config) => this.#use(config),
    });
    const level = () => this.#config.settings.logLevel;
    const setLevel = (number: number, by: string | undefined) => {
      variables.set('settings.log_level', [String(number)], by);
    };
    const onOpened = () => this.#health.worked('log', 'log');
    const { native, trouble } = this.#transport;
    const known = {
      startedMs: this.#clock.wallMs(),
      log: logControl(this.#log, level, setLevel, onOpened, this.#gatekeeper.history),
      variables,
      timers: () => this.#pendingTimers(),
      latenessMs: () => this.#scheduler.latenessMs,
      reload: (by?: string) => this.reload(by),
      transport: () => {
        const { datagrams } = this.#listeners;
        return { is: native ? 'native' : 'node:net', trouble, datagrams } as const;
      },
    };
    return runningDaemon(known, this.#metrics, this.#connections);
  }
}
