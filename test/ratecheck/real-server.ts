/**
 * Real tcpsvd and tcpserver around a command, for one test, in an environment that is the same
 * everywhere.
 */
import type { Socket } from 'node:net';
import { connected } from '../system/line-client.ts';
import { type ServerName, startMailServer } from '../system/mail-server.ts';

export type RunningServer = {
  readonly port: number;
  connect(): Promise<Socket>;
  stop(): Promise<void>;
};

export async function startServer(
  name: ServerName,
  command: readonly string[],
  wanted?: number,
): Promise<RunningServer> {
  const { port, server } = await startMailServer(name, {
    options: [],
    command,
    port: wanted,
    directory: process.cwd(),
    environment: { PATH: '/usr/bin:/bin', LANG: 'C', ODD: 'a=b c\nd' },
  });
  return {
    port,
    connect: () => connected({ host: '127.0.0.1', port }),
    stop: () => server.end(),
  };
}
