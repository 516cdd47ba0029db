/**
 * A real tcpsvd on an instructions directory, asked by connecting from addresses in 127.0.0.0/8.
 */
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { freePort } from '../ratecheck/real-server.ts';

export type RunningTcpsvd = {
  /** Whether it closes a connection from `address` without a word. */
  drops(address: string): Promise<boolean>;
  stop(): Promise<void>;
};

function wordsFrom(address: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const socket = connect({ port, host: '127.0.0.1', localAddress: address });
    socket.on('data', (bytes) => {
      said += bytes.toString('latin1');
    });
    socket.on('close', () => resolve(said));
    socket.on('error', (error) => (said === '' ? reject(error) : undefined));
  });
}

export async function startTcpsvd(directory: string, ...options: string[]): Promise<RunningTcpsvd> {
  const port = await freePort();
  const args = ['-v', '-l', 'localhost', ...options, '-i', directory, '127.0.0.1', String(port)];
  const child = spawn('tcpsvd', [...args, 'echo', 'in'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (bytes: Buffer) => {
      if (bytes.includes('listening')) resolve();
    });
    child.on('error', reject);
    child.on('exit', () => reject(new Error('tcpsvd ended')));
  });
  return {
    drops: async (address) => (await wordsFrom(address, port)) === '',
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}
