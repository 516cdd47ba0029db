/**
 * A real tcpsvd on an instructions directory (-i) or on a compiled one (-x), asked by connecting from
 * addresses in 127.0.0.0/8.
 */
import { spawn } from 'node:child_process';
import { freePort } from '../../run/free-port.ts';
import { wordsFrom } from '../words-from.ts';

export type RunningTcpsvd = {
  /** Whether it closes a connection from `address` without a word. */
  drops(address: string): Promise<boolean>;
  /** Whether a connection from `address` does not reach the program. */
  refuses(address: string): Promise<boolean>;
  /** All that it says to `address`. */
  says(address: string): Promise<string>;
  stop(): Promise<void>;
};

export async function startTcpsvd(
  instructions: readonly ['-i' | '-x', path: string],
  ...options: string[]
): Promise<RunningTcpsvd> {
  const port = await freePort();
  const args = ['-v', '-l', 'localhost', ...options, ...instructions, '127.0.0.1', String(port)];
  const child = spawn('tcpsvd', [...args, 'echo', 'in'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (bytes: Buffer) => {
      if (bytes.includes('listening')) resolve();
    });
    child.on('error', reject);
    child.on('exit', () => reject(new Error('tcpsvd ended')));
  });
  const says = (address: string) => wordsFrom(address, port);
  return {
    drops: async (address) => (await says(address)) === '',
    refuses: async (address) => (await says(address)) !== 'in\n',
    says,
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}
