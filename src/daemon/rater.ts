/**
 * The daemon: opens the store, puts blocks in force, listens, keeps time, reloads, ends.
 *
 * Guarantee: when its socket exists, every block that the store remembers is in force.
 * Guarantee: SIGTERM loses no committed block; blocks stay in force while it is away.
 */
import type { Server } from 'node:net';
import { type Clock, systemClock } from '../clock.ts';
import type { CommandContext } from '../commands/command.ts';
import type { Config } from '../config/config.ts';
import { checkConfig } from '../config/load-config.ts';
import { MemoryCounters } from '../counters/memory-counters.ts';
import type { Enforcer } from '../enforcers/enforcer.ts';
import { makeEnforcers } from '../enforcers/make-enforcers.ts';
import { Fault, reasonOf } from '../errors.ts';
import { Gatekeeper } from '../gatekeeper.ts';
import { SqliteStore } from '../store/sqlite-store.ts';
import { checkListener } from './check-listener.ts';
import { controlListener } from './control-listener.ts';
import { takeInstanceLock } from './instance-lock.ts';
import type { DaemonLog } from './pino-log.ts';
import { Timers } from './timers.ts';
import { listenOnUnixSocket } from './unix-socket.ts';

const controlMode = 0o600;

function listenOnTcp(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      reject(new Fault('listen', `${host}:${port}: ${reasonOf(error)}`, error));
    });
    server.listen({ host, port, backlog: 4096 }, resolve);
  });
}

export class Rater {
  readonly #log: DaemonLog;
  readonly #clock: Clock = systemClock;
  readonly #startedMs = systemClock.wallMs();
  readonly #unlock: () => void;
  readonly #enforcers: readonly Enforcer[];
  readonly #gatekeeper: Gatekeeper;
  readonly #timers: Timers;
  readonly #listeners: Server[] = [];
  #config: Config;

  /** Takes the lock, opens the store and puts its blocks in force. @throws Fault */
  constructor(config: Config, log: DaemonLog) {
    this.#config = config;
    this.#log = log;
    this.#unlock = takeInstanceLock(config.settings.socket);
    const store = new SqliteStore(config.settings.dbPath);
    this.#enforcers = makeEnforcers(config.blocking, log);
    this.#gatekeeper = new Gatekeeper({
      config,
      store,
      counters: new MemoryCounters(),
      enforcers: this.#enforcers,
      log,
      clock: this.#clock,
    });
    this.#gatekeeper.start();
    this.#timers = new Timers(this.#gatekeeper, this.#clock);
  }

  /** Resolves when clients can connect. @throws Fault `listen` */
  async listen(): Promise<void> {
    const { settings } = this.#config;
    const control = controlListener(() => this.#context());
    await this.#open(control, (server) => {
      return listenOnUnixSocket(server, {
        path: settings.controlSocket,
        mode: controlMode,
        group: undefined,
      });
    });
    const { port } = settings;
    if (port !== undefined) {
      const tcp = checkListener(this.#gatekeeper, true);
      await this.#open(tcp, (server) => listenOnTcp(server, settings.address, port));
    }
    await this.#open(checkListener(this.#gatekeeper, false), (server) => {
      return listenOnUnixSocket(server, {
        path: settings.socket,
        mode: settings.socketMode,
        group: settings.socketGroup,
      });
    });
    for (const enforcer of this.#enforcers) enforcer.watch();
    this.#timers.start(settings.expirationTimer);
    this.#log.info('ready', {
      socket: settings.socket,
      port,
      blocks: this.#gatekeeper.blocks.size,
      pid: process.pid,
    });
  }

  /** Reads the configuration again; a broken one changes nothing. */
  reload(): void {
    this.#log.reopen();
    const { config, mistakes } = checkConfig(this.#config.file);
    for (const mistake of mistakes) this.#log.error('not reloaded', { what: mistake });
    if (!config) return;
    const { settings, blocking } = this.#config;
    const fixed = { settings: { ...settings, logLevel: config.settings.logLevel } };
    if (
      JSON.stringify(fixed.settings) !== JSON.stringify(config.settings) ||
      JSON.stringify([blocking.peers, blocking.tcprules]) !==
        JSON.stringify([config.blocking.peers, config.blocking.tcprules])
    ) {
      this.#log.warn('restart needed', { what: 'settings or the places of blocks have changed' });
    }
    this.#config = config;
    this.#log.setLevel(config.settings.logLevel);
    this.#gatekeeper.configure(config);
    this.#log.info('reloaded', { file: config.file });
  }

  /** Stops listening, finishes what is pending and lets go of everything. */
  async stop(): Promise<void> {
    this.#timers.stop();
    for (const listener of this.#listeners) listener.close();
    this.#gatekeeper.blocks.close();
    this.#unlock();
    this.#log.info('stopped', { pid: process.pid });
  }

  async #open(server: Server, listen: (server: Server) => Promise<void>): Promise<void> {
    await listen(server);
    // Out of descriptors or the like: that connection is lost, the daemon is not.
    server.on('error', (error) => this.#log.error('listener', { what: reasonOf(error) }));
    this.#listeners.push(server);
  }

  #context(): CommandContext {
    return {
      config: this.#config,
      gatekeeper: this.#gatekeeper,
      clock: this.#clock,
      daemon: { pid: process.pid, startedMs: this.#startedMs },
    };
  }
}
