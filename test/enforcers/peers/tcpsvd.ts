/**
 * A real tcpsvd on an instructions directory (-i) or on a compiled one (-x), asked by connecting
 * from addresses in 127.0.0.0/8.
 */
import { startMailServer } from '../../system/mail-server.ts';
import { wordsFrom } from '../words-from.ts';

export type RunningTcpsvd = {
  /** Whether it closes a connection from `address` without a word. */
  drops(address: string): Promise<boolean>;
  /** Whether a connection from `address` does not reach the program. */
  refuses(address: string): Promise<boolean>;
  /** Everything that it says to `address`. */
  says(address: string): Promise<string>;
  stop(): Promise<void>;
};

export async function startTcpsvd(
  instructions: readonly ['-i' | '-x', path: string],
  ...options: string[]
): Promise<RunningTcpsvd> {
  const { port, server } = await startMailServer('tcpsvd', {
    options: [...options, ...instructions],
    command: ['echo', 'in'],
    directory: '/',
  });
  const says = (address: string) => wordsFrom(address, port);
  return {
    drops: async (address) => (await says(address)) === '',
    refuses: async (address) => (await says(address)) !== 'in\n',
    says,
    stop: () => server.end(),
  };
}
