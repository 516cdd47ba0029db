/**
 * A daemon that follows a script instead of counting: it hands each request line to `script`, which
 * answers as well or as badly as the test wants. A real Unix socket, in this process.
 */
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';

export type Script = (connection: Socket, request: string) => void;

export type ScriptedRater = {
  readonly socket: string;
  /** Every request line received, without its newline. */
  readonly requests: string[];
  close(): Promise<void>;
};

let count = 0;

export function startScriptedRater(
  directory: string,
  script: Script,
  backlog = 511,
): Promise<ScriptedRater> {
  count += 1;
  const socket = join(directory, `${count}.sock`);
  const requests: string[] = [];
  const open = new Set<Socket>();
  const server = createServer((connection) => {
    let received = '';
    open.add(connection);
    connection.on('close', () => open.delete(connection));
    connection.on('error', () => undefined);
    connection.on('data', (bytes: Buffer) => {
      received += bytes.toString('latin1');
      for (let end = received.indexOf('\n'); end >= 0; end = received.indexOf('\n')) {
        const request = received.slice(0, end);
        received = received.slice(end + 1);
        requests.push(request);
        script(connection, request);
      }
    });
  });
  const close = () =>
    new Promise<void>((resolve) => {
      for (const connection of open) connection.destroy();
      server.close(() => resolve());
    });
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen({ path: socket, backlog }, () => resolve({ socket, requests, close }));
  });
}

export const silence: Script = () => undefined;

export function reply(text: string): Script {
  return (connection) => connection.write(Buffer.from(text, 'latin1'));
}

/** Writes one byte at a time, each in a turn of its own. */
export function replySlowly(text: string): Script {
  return (connection) => {
    connection.setNoDelay(true);
    const next = (at: number) => {
      if (at >= text.length || connection.destroyed) return;
      connection.write(text.charAt(at), () => setImmediate(() => next(at + 1)));
    };
    next(0);
  };
}

export function replyAndClose(text: string): Script {
  return (connection) => connection.end(Buffer.from(text, 'latin1'));
}
