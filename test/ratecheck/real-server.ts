/**
 * Real tcpsvd and tcpserver around a command, on a free loopback port, for one test.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { freePort } from '../run/free-port.ts';

export type ServerName = 'tcpsvd' | 'tcpserver';

export type RunningServer = {
  readonly port: number;
  connect(): Promise<Socket>;
  stop(): Promise<void>;
};

const words: Record<ServerName, { options: readonly string[]; ready: RegExp }> = {
  tcpsvd: { options: ['-v', '-l', 'localhost'], ready: /listening/ },
  tcpserver: { options: ['-v', '-R', '-H', '-l', 'localhost'], ready: /status: 0/ },
};

/** Resolves once the server says that it listens; rejects with its own words when it ends first. */
function listening(child: ChildProcess, ready: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    const hear = (bytes: Buffer) => {
      said += bytes.toString('latin1');
      if (ready.test(said)) resolve();
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.on('error', reject);
    child.on('close', () => reject(new Error(`the server ended: ${said}`)));
  });
}

function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.on('error', reject);
  });
}

export async function startServer(
  name: ServerName,
  command: readonly string[],
  wanted?: number,
): Promise<RunningServer> {
  const port = wanted ?? (await freePort());
  const args = [...words[name].options, '127.0.0.1', String(port), ...command];
  const child = spawn(name, args, {
    env: { PATH: '/usr/bin:/bin', LANG: 'C', ODD: 'a=b c\nd' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  await listening(child, words[name].ready);
  const stop = () => {
    child.kill('SIGTERM');
    return ended;
  };
  return { port, connect: () => connected(port), stop };
}
