/**
 * Where clients and operators come in: the Unix sockets, for as long as the daemon runs whatever
 * becomes of their files, and TCP where the configuration wants it.
 *
 * Guarantee: the socket for checks is the last to be opened: who finds it, finds all of the daemon.
 */
import type { Server } from 'node:net';
import type { CommandContext } from '../../commands/command.ts';
import type { Settings } from '../../config/config.ts';
import type { CheckMetrics } from '../../health/check-metrics.ts';
import type { Health } from '../../health/health.ts';
import type { Clock } from '../../runtime/clock.ts';
import { reasonOf } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { CheckHandler } from './check-connection.ts';
import { checkListener } from './check-listener.ts';
import { ConnectionLimit, maxChecks, maxOperators } from './connection-limit.ts';
import type { Connections } from './connections.ts';
import { controlListener } from './control-listener.ts';
import { FailedOpen } from './failed-open.ts';
import { listenOnTcp } from './listen-on-tcp.ts';
import { SocketWatch } from './socket-watch.ts';
import { listenOnUnixSocket, type UnixSocketOptions } from './unix-socket.ts';

const controlMode = 0o600;

export type ListenersParts = {
  readonly settings: Settings;
  /** Who answers checks on the socket, and who by TCP. */
  readonly gatekeeper: CheckHandler;
  readonly byTcp: CheckHandler;
  /** What commands work on. */
  readonly context: () => CommandContext;
  readonly connections: Connections;
  readonly metrics: CheckMetrics;
  readonly clock: Clock;
  readonly log: Log;
  readonly health: Health;
};

export class Listeners {
  readonly #parts: ListenersParts;
  readonly #tcpListeners: Server[] = [];
  readonly #keptSockets: SocketWatch[] = [];
  readonly #failedOpen: FailedOpen;

  constructor(parts: ListenersParts) {
    this.#parts = parts;
    this.#failedOpen = new FailedOpen(parts.settings.socket, parts.health);
  }

  /** Resolves when clients can connect. @throws Fault `listen` */
  async open(): Promise<void> {
    this.#failedOpen.look();
    await this.#openControl();
    await this.#openChecks();
  }

  /** Opens Unix sockets anew that have lost their files, and counts who could not ask. */
  look(): void {
    this.#failedOpen.look();
    for (const kept of this.#keptSockets) void kept.look();
  }

  /** Lets nobody in any more. */
  close(): void {
    this.#failedOpen.close();
    for (const listener of [...this.#tcpListeners, ...this.#keptSockets]) listener.close();
  }

  async #openControl(): Promise<void> {
    const { controlSocket, controlAddress, controlPort, backlog } = this.#parts.settings;
    const narrow = { path: controlSocket, mode: controlMode, group: undefined, backlog };
    await this.#keep('control', () => this.#control(false), narrow);
    if (controlPort !== undefined) {
      await this.#openTcp('control by TCP', this.#control(true), controlAddress, controlPort);
    }
  }

  async #openChecks(): Promise<void> {
    const { settings, health, byTcp } = this.#parts;
    const { socket: path, socketMode: mode, socketGroup: group, address, port, backlog } = settings;
    const limit = new ConnectionLimit(maxChecks(settings.maxConnections), (open) => {
      health.warn('connection refused', { open });
    });
    if (port !== undefined) {
      // Who may use the socket shall find room in any case.
      const parts = { ...this.#parts, gatekeeper: byTcp, limit: limit.half() };
      await this.#openTcp('check by TCP', checkListener(parts, true), address, port);
    }
    // Who has waited in vain, as ratecheck does, fails open.
    const parts = { ...this.#parts, limit, onLateReply: () => health.warn('reply too late') };
    await this.#keep('check', () => checkListener(parts, false), { path, mode, group, backlog });
  }

  #control(isTcp: boolean): Server {
    const limit = new ConnectionLimit(maxOperators, (open) => {
      this.#parts.health.warn('operator refused', { open });
    });
    return controlListener({ ...this.#parts, limit, isTcp });
  }

  async #openTcp(kind: string, server: Server, address: string, port: number): Promise<void> {
    await listenOnTcp(server, address, port, this.#parts.settings.backlog);
    this.#tcpListeners.push(this.#serve(kind, server));
  }

  /** Listens at a Unix socket, and goes on to when its file is lost. */
  async #keep(kind: string, make: () => Server, options: UnixSocketOptions): Promise<void> {
    const { log, health } = this.#parts;
    const listen = async () => {
      const server = make();
      await listenOnUnixSocket(server, options);
      return this.#serve(kind, server);
    };
    const kept = new SocketWatch({ path: options.path, listen, log, health });
    await kept.listen();
    this.#keptSockets.push(kept);
  }

  #serve(kind: string, server: Server): Server {
    const { health, connections } = this.#parts;
    // Out of descriptors or the like: that connection is lost, the daemon is not.
    server.on('error', (error) => health.error('listener', { what: reasonOf(error) }));
    connections.addServer(kind, server);
    return server;
  }
}
