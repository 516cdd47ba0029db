/** Listens on an address and a port. */
import type { Server } from 'node:net';
import { Fault, reasonOf } from '../../runtime/errors.ts';

/** At most `backlog` clients wait to be accepted. Resolves when clients can connect. @throws Fault `listen` */
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
