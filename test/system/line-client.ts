/** Clients of rater's line protocol. */
import { once } from 'node:events';
import { connect, type NetConnectOpts, type Socket } from 'node:net';

const patienceMs = 60_000;

/** A client that is connected; how the connection ends later is no error. */
export async function connected(where: NetConnectOpts): Promise<Socket> {
  const socket = connect(where);
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** The next text from a connection. */
export function nextText(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.setEncoding('latin1').once('data', resolve);
  });
}

/**
 * Sends the pieces one after the other, each in a packet of its own, then closes our half. Resolves
 * when rater has closed its half. `endFirst: false` leaves our half open: rater must close first.
 */
export function ask(
  where: NetConnectOpts,
  pieces: readonly (string | Uint8Array)[],
  { endFirst = true } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...where, noDelay: true, allowHalfOpen: true } as NetConnectOpts);
    let said = '';
    socket.setEncoding('utf8').setTimeout(patienceMs, () => {
      socket.destroy(new Error(`no end for ${patienceMs} ms; it said ${JSON.stringify(said)}`));
    });
    socket.on('data', (more) => {
      said += more;
    });
    socket.on('end', () => {
      socket.destroy();
      resolve(said);
    });
    socket.on('error', reject);
    const sendFrom = (index: number) => {
      const piece = pieces[index];
      if (piece !== undefined) socket.write(piece, () => setImmediate(sendFrom, index + 1));
      else if (endFirst) socket.end();
    };
    socket.on('connect', () => sendFrom(0));
  });
}
