/**
 * The connected clients: every listener registers its clients here, and each tells on demand what it
 * waits for.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { Server } from 'node:net';
import type { Connections as Listing } from '../../commands/running-daemon.ts';

/** A connected client, for people. */
export type Client = {
  /** The kind of its listener. */
  readonly kind: string;
  /** Monotonic milliseconds. */
  readonly sinceMs: number;
  /** What it waits for now. */
  readonly waitsFor: string;
};

/** What a client that does not read its answers waits for. */
export const waitsForReader = 'the client, to read its answers';

/** Where a server listens, for people. */
function whereOf(server: Server): string {
  const address = server.address();
  if (typeof address === 'string') return address;
  if (!address) return 'nothing any more';
  const { address: host, port } = address;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The soft limit; undefined when there is none or the system does not tell. */
export function maxDescriptors(): number | undefined {
  try {
    const max = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return max === undefined ? undefined : Number(max);
  } catch {
    return undefined;
  }
}

export class Connections {
  readonly #clients = new Set<Client>();
  readonly #servers = new Map<Server, string>();

  /** Lists a server for as long as it listens. */
  addServer(kind: string, server: Server): void {
    this.#servers.set(server, kind);
    server.once('close', () => this.#servers.delete(server));
  }

  /** Lists a client until `remove`. */
  add(client: Client): void {
    this.#clients.add(client);
  }

  remove(client: Client): void {
    this.#clients.delete(client);
  }

  list(): Listing {
    // A closed server emits 'close' only when its last client is gone.
    const servers = [...this.#servers].filter(([server]) => server.listening);
    return {
      listeners: servers.map(([server, kind]) => ({ kind, where: whereOf(server) })),
      open: [...this.#clients].map(({ kind, sinceMs, waitsFor }) => {
        return { kind, sinceMs, waitsFor };
      }),
      // One belongs to this readdir.
      descriptors: readdirSync('/proc/self/fd').length - 1,
      maxDescriptors: maxDescriptors(),
    };
  }
}
