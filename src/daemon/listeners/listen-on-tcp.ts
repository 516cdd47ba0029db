/** Listens on an address and a port. */
import type { Server } from 'node:net';
import { Fault, reasonOf } from '../../runtime/errors.ts';

/** Resolves when clients can connect; at most `backlog` wait to be accepted. @throws Fault `listen` */
export function listenOnTcp(
  server: Server,
  host: string,
  port: number,
  backlog: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      reject(new Fault('listen', `${host}:${port}: ${reasonOf(error)}`, error));
    };
    server.once('error', fail);
    server.listen({ host, port, backlog }, () => {
      server.off('error', fail);
      resolve();
    });
  });
}
