/**
 * The name of the socket for datagrams, `SOCKET.COOKIE`: a client computes it from the cookie of its own
 * network namespace, and so does not find the name from another one, where no reply would reach it.
 *
 * Guarantee: of the names that dead daemons have left, only sockets that certainly nobody receives at
 * are removed.
 */
import { lstatSync, readdirSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errnoOf } from '../../runtime/errors.ts';
import type { NativeTransport } from './native-transport.ts';

/** Bytes of the path of a Unix socket. */
const longestPath = 107;
const cookieForm = /^[1-9]\d{0,19}$/;

/** Undefined where the kernel has no cookies, as before Linux 5.14, or where the path is too long. */
export function datagramSocket(
  socket: string,
  { cookie }: Pick<NativeTransport, 'cookie'>,
): string | undefined {
  const own = cookie();
  const path = `${socket}.${own}`;
  return own === '' || Buffer.byteLength(path) > longestPath ? undefined : path;
}

/**
 * Removes the sockets for datagrams that earlier daemons have left beside `socket`. Where that is not
 * possible they stay: clients find that nobody receives there.
 */
export function removeDeadNames(socket: string, isDead: NativeTransport['isDeadName']): void {
  const start = `${basename(socket)}.`;
  try {
    for (const name of readdirSync(dirname(socket))) {
      if (!name.startsWith(start) || !cookieForm.test(name.slice(start.length))) continue;
      const path = join(dirname(socket), name);
      if (lstatSync(path).isSocket() && isDead(path)) unlinkSync(path);
    }
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
  }
}
