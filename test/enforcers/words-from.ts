/**
 * Everything that a server on this port says to a client that first sends the given text. A server
 * that closes without reading it resets the connection, and has then said nothing more.
 */
import { connect } from 'node:net';
import { errnoOf } from '../../src/runtime/errors.ts';

export function wordsFrom(address: string, port: number, first = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const socket = connect({ port, host: '127.0.0.1', localAddress: address });
    if (first !== '') socket.write(first);
    socket.on('data', (bytes) => {
      said += bytes.toString('latin1');
    });
    socket.on('close', () => resolve(said));
    socket.on('error', (error) =>
      errnoOf(error) === 'ECONNRESET' ? resolve(said) : reject(error),
    );
  });
}
