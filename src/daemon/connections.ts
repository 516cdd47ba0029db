/**
 * Who is connected: every listener registers its clients here, and says on demand what each one
 * waits for.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import type { Clock } from '../clock.ts';
import type { Connections as Listing } from '../commands/daemon-facts.ts';

type Client = { readonly kind: string; readonly sinceMs: number; readonly waitsFor: () => string };

/** Where a server listens, for people. */
function whereOf(server: Server): string {
  const address = server.address();
  if (typeof address === 'string') return address;
  if (!address) return 'nothing any more';
  const { address: host, port } = address;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The soft limit, or undefined: the system does not tell, or there is none. */
export function mostDescriptors(): number | undefined {
  try {
    const most = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return most === undefined ? undefined : Number(most);
  } catch {
    return undefined;
  }
}

export class Connections {
  readonly #clock: Clock;
  readonly #clients = new Set<Client>();
  readonly #servers = new Map<Server, string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A server, for as long as it listens. */
  addServer(kind: string, server: Server): void {
    this.#servers.set(server, kind);
    server.once('close', () => this.#servers.delete(server));
  }

  /** A client, until its connection is closed; `waitsFor` is asked while it is open. */
  add(kind: string, socket: Socket, waitsFor: () => string): void {
    const client: Client = {
      kind,
      sinceMs: this.#clock.monotonicMs(),
      waitsFor: () => (socket.writableNeedDrain ? 'the client, to read its answers' : waitsFor()),
    };
    this.#clients.add(client);
    socket.once('close', () => this.#clients.delete(client));
  }

  list(): Listing {
    // One that was closed is there until its last client is gone.
    const servers = [...this.#servers].filter(([server]) => server.listening);
    return {
      listeners: servers.map(([server, kind]) => ({ kind, where: whereOf(server) })),
      open: [...this.#clients].map(({ kind, sinceMs, waitsFor }) => {
        return { kind, sinceMs, waitsFor: waitsFor() };
      }),
      // One is the listing's own.
      descriptors: readdirSync('/proc/self/fd').length - 1,
      mostDescriptors: mostDescriptors(),
    };
  }
}
