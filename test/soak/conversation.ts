/** One connection: bytes out in pieces, lines in, and when each was sent or came. */
import { connect, type NetConnectOpts, type Socket } from 'node:net';

const timeoutMs = 60_000;

export type Said = { readonly text: string; readonly atMs: number };
export type Talk = {
  readonly lines: readonly Said[];
  /** What came after the last line's end. */
  readonly rest: string;
  /** When each piece was about to be sent. */
  readonly sentMs: readonly number[];
  /** Undefined when the other side closed in order. */
  readonly trouble: string | undefined;
};

export function open(where: NetConnectOpts): Socket {
  const socket = connect({ ...where, noDelay: true, allowHalfOpen: true } as NetConnectOpts);
  // Without a listener an error would end the process; `talk` adds its own.
  return socket.on('error', () => {});
}

/**
 * Sends the pieces, closes our half unless told not to, and resolves when the other side has closed.
 * `oneByOne` gives each piece a turn of the event loop.
 */
export function talk(
  where: NetConnectOpts,
  pieces: readonly Buffer[],
  { endFirst = true, oneByOne = false } = {},
): Promise<Talk> {
  return new Promise((resolve) => {
    const socket = open(where);
    const lines: Said[] = [];
    const sentMs: number[] = [];
    let rest = '';
    const finish = (trouble?: string) => {
      resolve({ lines, rest, sentMs, trouble });
      socket.destroy();
    };
    socket.setEncoding('utf8').setTimeout(timeoutMs, () => finish(`silent for ${timeoutMs} ms`));
    socket.on('data', (text: string) => {
      const atMs = performance.now();
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) lines.push({ text: part.replace(/\r$/, ''), atMs });
    });
    socket.on('end', () => finish());
    socket.on('error', (error) => finish(error.message));
    socket.on('close', () => finish('closed without an end'));
    const sendFrom = (index: number) => {
      for (let at = index; at < pieces.length; at += 1) {
        sentMs[at] = performance.now();
        const mayGoOn = socket.write(pieces[at] as Buffer);
        if (mayGoOn && !oneByOne) continue;
        if (oneByOne) setImmediate(sendFrom, at + 1);
        else socket.once('drain', () => sendFrom(at + 1));
        return;
      }
      if (endFirst) socket.end();
    };
    socket.on('connect', () => sendFrom(0));
  });
}
