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

/** What a client that does not read its answers waits for, and one that stands for a session. */
export const waitsForReader = 'the client, to read its answers';
export const waitsForSession = 'the end of its session';

/** Where clients come in. */
export interface Listed {
  readonly kind: string;
  /** For people; undefined when it does not listen. */
  readonly where: string | undefined;
  /** Its clients that are not added one by one. */
  clients(): readonly Client[];
}

/** A server of node:net, whose clients are added one by one. */
export function listedServer(kind: string, server: Server): Listed {
  return {
    kind,
    // A closed server emits 'close' only when its last client is gone.
    get where() {
      return server.listening ? whereOf(server) : undefined;
    },
    clients: () => [],
  };
}

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
  #listed: readonly Listed[] = [];

  /** Lists it for as long as it listens, and its clients for as long as there are any. */
  addListener(added: Listed): void {
    const inUse = (one: Listed) => one.where !== undefined || one.clients().length > 0;
    this.#listed = [...this.#listed.filter(inUse), added];
  }

  /** Lists a client until `remove`. */
  add(client: Client): void {
    this.#clients.add(client);
  }

  remove(client: Client): void {
    this.#clients.delete(client);
  }

  list(): Listing {
    const clients = [...this.#clients, ...this.#listed.flatMap((listed) => listed.clients())];
    return {
      listeners: this.#listed.flatMap(({ kind, where }) => {
        return where === undefined ? [] : [{ kind, where }];
      }),
      open: clients.map(({ kind, sinceMs, waitsFor }) => ({ kind, sinceMs, waitsFor })),
      // One belongs to this readdir.
      descriptors: readdirSync('/proc/self/fd').length - 1,
      maxDescriptors: maxDescriptors(),
    };
  }
}
