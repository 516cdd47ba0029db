/**
 * Where clients and operators come in: Unix sockets, which outlive the loss of their files, and TCP
 * where the configuration wants it.
 *
 * Guarantee: the socket for checks is opened last: once it is there, so is all of the daemon, but for
 * the one for datagrams, which its clients can do without.
 */
import { closeSync, openSync } from 'node:fs';
import type { Server } from 'node:net';
import type { CommandContext } from '../../commands/command.ts';
import type { MetricsPlaces, Settings } from '../../config/config.ts';
import type { CheckMetrics } from '../../health/check-metrics.ts';
import type { Health } from '../../health/health.ts';
import type { Clock } from '../../runtime/clock.ts';
import { errnoOf, reasonOf } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { CheckHandler } from './check-connection.ts';
import { type CheckListenerParts, checkListener } from './check-listener.ts';
import { ConnectionLimit, maxChecks, maxOperators } from './connection-limit.ts';
import { type Connections, type Listed, listedServer } from './connections.ts';
import { controlListener } from './control-listener.ts';
import { DatagramServer } from './datagram-server.ts';
import { datagramSocket, removeDeadNames } from './datagram-socket.ts';
import { FailedOpen } from './failed-open.ts';
import { listenOnTcp } from './listen-on-tcp.ts';
import { metricsServers } from './metrics-server.ts';
import { NativeServer } from './native-server.ts';
import type { NativeTransport } from './native-transport.ts';
import { SocketWatch } from './socket-watch.ts';
import {
  listenOnUnixSocket,
  nodeListener,
  type UnixListener,
  type UnixSocketOptions,
} from './unix-socket.ts';

const controlMode = 0o600;

export type ListenersParts = {
  readonly settings: Settings;
  readonly metricsPlaces: MetricsPlaces;
  /** What answers checks on the socket, and what by TCP. */
  readonly gatekeeper: CheckHandler;
  readonly byTcp: CheckHandler;
  readonly context: () => CommandContext;
  readonly connections: Connections;
  readonly metrics: CheckMetrics;
  /** What Prometheus is told now. */
  readonly exposition: () => string;
  readonly clock: Clock;
  readonly log: Log;
  readonly health: Health;
  /** Undefined: node:net serves the socket for checks as well. */
  readonly native: NativeTransport | undefined;
};

type OpenedSocket = { readonly listener: UnixListener; readonly listed: Listed };

export class Listeners {
  readonly #parts: ListenersParts;
  readonly #tcpListeners: Server[] = [];
  readonly #unixSockets: SocketWatch[] = [];
  readonly #failedOpen: FailedOpen;
  #datagrams: string | undefined;

  constructor(parts: ListenersParts) {
    this.#parts = parts;
    this.#failedOpen = new FailedOpen(parts.settings.socket, parts.health);
  }

  /** The socket for datagrams, if there is one. */
  get datagrams(): string | undefined {
    return this.#datagrams;
  }

  /** Resolves when clients can connect. @throws Fault `listen` */
  async open(): Promise<void> {
    await this.#openControl();
    await this.#openMetrics();
    // Without locks, only the socket says whether the pipe is another rater's.
    this.#failedOpen.look();
    await this.#openChecks();
  }

  /**
   * Opens Unix sockets anew that have lost their files, counts who could not ask, and says when there is
   * no descriptor for a client.
   */
  look(): void {
    this.#failedOpen.look();
    this.#lookForDescriptor();
    for (const socket of this.#unixSockets) void socket.look();
  }

  /** Stops listening. */
  close(): void {
    this.#failedOpen.close();
    for (const listener of [...this.#tcpListeners, ...this.#unixSockets]) listener.close();
  }

  async #openControl(): Promise<void> {
    const { controlSocket, controlAddress, controlPort, backlog } = this.#parts.settings;
    const narrow = { path: controlSocket, mode: controlMode, group: undefined, backlog };
    await this.#openUnix(() => this.#byNode('control', this.#control(false)), narrow);
    if (controlPort !== undefined) {
      await this.#openTcp('control by TCP', this.#control(true), controlAddress, controlPort);
    }
  }

  async #openMetrics(): Promise<void> {
    const { metricsPlaces, settings, exposition } = this.#parts;
    const { socket: path, address, port } = metricsPlaces;
    const { socketMode: mode, socketGroup: group, backlog } = settings;
    if (path === undefined && port === undefined) return;
    const newServer = await metricsServers(exposition);
    if (path !== undefined) {
      const options = { path, mode, group, backlog };
      await this.#openUnix(() => this.#byNode('metrics', newServer()), options);
    }
    if (port !== undefined) await this.#openTcp('metrics by TCP', newServer(), address, port);
  }

  async #openChecks(): Promise<void> {
    const { settings, health, byTcp } = this.#parts;
    const { socket: path, socketMode: mode, socketGroup: group, address, port, backlog } = settings;
    const limit = new ConnectionLimit(maxChecks(settings.maxConnections), (open) => {
      health.warn('connection refused', { open });
    });
    if (port !== undefined) {
      // The other half stays for clients of the socket.
      const parts = { ...this.#parts, gatekeeper: byTcp, limit: limit.half() };
      await this.#openTcp('check by TCP', checkListener(parts, true), address, port);
    }
    // A client that stopped waiting, as ratecheck does, has failed open.
    const parts = { ...this.#parts, limit, onLateReply: () => health.warn('reply too late') };
    const options = { path, mode, group, backlog };
    await this.#openUnix(() => this.#checkSocket(parts), options);
    await this.#openDatagrams(parts, options);
  }

  #control(isTcp: boolean): Server {
    const limit = new ConnectionLimit(maxOperators, (open) => {
      this.#parts.health.warn('operator refused', { open });
    });
    return controlListener({ ...this.#parts, limit, isTcp });
  }

  #checkSocket(parts: CheckListenerParts): OpenedSocket {
    const { native } = this.#parts;
    if (!native) return this.#byNode('check', checkListener(parts, false));
    const server = new NativeServer(native, { ...parts, onError: this.#onError });
    return { listener: server, listed: server };
  }

  /** For checks that need no connection. */
  async #openDatagrams(parts: CheckListenerParts, options: UnixSocketOptions): Promise<void> {
    const { native } = this.#parts;
    const path = native && datagramSocket(options.path, native);
    if (!native || path === undefined) return;
    const isDead = native.isDeadName;
    const make = () => {
      const server = new DatagramServer(native, parts);
      return { listener: server, listed: server };
    };
    await this.#openUnix(make, { ...options, path, isDead });
    removeDeadNames(options.path, isDead);
    this.#datagrams = path;
  }

  #byNode(kind: string, server: Server): OpenedSocket {
    return { listener: nodeListener(server, this.#onError), listed: listedServer(kind, server) };
  }

  async #openTcp(kind: string, server: Server, address: string, port: number): Promise<void> {
    await listenOnTcp(server, address, port, this.#parts.settings.backlog);
    server.on('error', this.#onError);
    this.#parts.connections.addListener(listedServer(kind, server));
    this.#tcpListeners.push(server);
  }

  /** Listens on a Unix socket, also when its file gets lost. */
  async #openUnix(make: () => OpenedSocket, options: UnixSocketOptions): Promise<void> {
    const { log, health, connections } = this.#parts;
    const listen = async () => {
      const { listener, listed } = make();
      await listenOnUnixSocket(listener, options);
      connections.addListener(listed);
      return listener;
    };
    const { path, isDead } = options;
    const socket = new SocketWatch({ path, isDead, listen, log, health });
    await socket.listen();
    this.#unixSockets.push(socket);
  }

  /** Without one, libuv closes the clients of node:net silently. */
  #lookForDescriptor(): void {
    try {
      closeSync(openSync('/dev/null', 'r'));
    } catch (error) {
      if (!['EMFILE', 'ENFILE'].includes(errnoOf(error) ?? '')) return;
      this.#onError(error as Error);
    }
  }

  /** Out of descriptors, say: that connection is lost, but the daemon goes on. */
  readonly #onError = (error: Error): void => {
    this.#parts.health.error('listener', { what: reasonOf(error) });
  };
}
