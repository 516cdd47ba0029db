/**
 * Who is connected: every listener registers its clients here, and says on demand what each one
 * waits for.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { Server } from 'node:net';
import type { Connections as Listing } from '../../commands/running-daemon.ts';

/** Who is connected, for people. */
export type Client = {
  /** Of which listener. */
  readonly kind: string;
  /** Monotonic milliseconds. */
  readonly sinceMs: number;
  /** What it waits for now. */
  readonly waitsFor: string;
};

/** What is said of a client whose answers nobody reads. */
export const waitsForReader = 'the client, to read its answers';

/** Where a server listens, for people. */
function whereOf(server: Server): string {
  const address = server.address();
  if (typeof address === 'string') return address;
  if (!address) return 'nothing any more';
  const { address: host, port } = address;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The soft limit, or undefined: the system does not tell, or there is none. */
export function maxDescriptors(): number | undefined {
  try {
    const most = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return most === undefined ? undefined : Number(most);
  } catch {
    return undefined;
  }
}

export class Connections {
  readonly #clients = new Set<Client>();
  readonly #servers = new Map<Server, string>();

  /** A server, for as long as it listens. */
  addServer(kind: string, server: Server): void {
    this.#servers.set(server, kind);
    server.once('close', () => this.#servers.delete(server));
  }

  /** A client that is connected from now on, until `remove`. */
  add(client: Client): void {
    this.#clients.add(client);
  }

  remove(client: Client): void {
    this.#clients.delete(client);
  }

  list(): Listing {
    // One that was closed is there until its last client is gone.
    const servers = [...this.#servers].filter(([server]) => server.listening);
    return {
      listeners: servers.map(([server, kind]) => ({ kind, where: whereOf(server) })),
      open: [...this.#clients].map(({ kind, sinceMs, waitsFor }) => {
        return { kind, sinceMs, waitsFor };
      }),
      // One is the listing's own.
      descriptors: readdirSync('/proc/self/fd').length - 1,
      maxDescriptors: maxDescriptors(),
    };
  }
}
