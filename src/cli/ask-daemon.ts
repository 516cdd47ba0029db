/**
 * Has the running daemon carry out a command. Resolves to undefined when none is running: only then
 * may the command work on the store itself.
 */
import { connect } from 'node:net';
import type { Outcome } from '../commands/command.ts';
import type { CommandCall } from '../commands/commands.ts';
import { errnoOf, Fault, reasonOf } from '../runtime/errors.ts';

const usualTimeoutMs = 30_000;

/** How connecting fails when no daemon is behind the socket. */
const nobodyThere = new Set(['ENOENT', 'ECONNREFUSED']);

/** @throws Fault `notPermitted`, `daemon` */
export function askDaemon(
  path: string,
  call: CommandCall,
  timeoutMs = usualTimeoutMs,
): Promise<Outcome | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const received: Buffer[] = [];
    const fail = (detail: string, cause?: unknown) => {
      socket.destroy();
      reject(new Fault('daemon', `${path}: ${detail}`, cause));
    };
    socket.setTimeout(timeoutMs, () => fail(`no answer in ${timeoutMs / 1000} seconds`));
    socket.on('connect', () => socket.end(`${JSON.stringify(call)}\n`));
    socket.on('data', (chunk) => received.push(chunk));
    socket.on('end', () => {
      try {
        resolve(JSON.parse(Buffer.concat(received).toString('utf8')) as Outcome);
      } catch (error) {
        fail('it closed before its answer was complete', error);
      }
    });
    socket.on('error', (error) => {
      const errno = errnoOf(error) ?? '';
      if (nobodyThere.has(errno)) resolve(undefined);
      else if (errno === 'EACCES') reject(new Fault('notPermitted', reasonOf(error), error));
      else fail(reasonOf(error), error);
    });
  });
}
