/**
 * Answers checks by node:net. A Unix socket answers every line until the client closes; TCP answers one request
 * and closes, as the original rater did, with a deadline for the whole connection.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { errnoOf } from '../../runtime/errors.ts';
import { Replies } from '../../wire/replies.ts';
import type { CheckParts } from './check-connection.ts';
import type { ConnectionLimit } from './connection-limit.ts';
import type { Connections } from './connections.ts';
import { NodeConnection } from './node-connection.ts';

/** How long a connection by TCP may last in all. */
const requestDeadlineMs = 30_000;

/** Bytes of the replies in one turn of a client. */
const replyBytes = 1 << 16;

/** Closes the connection when it is still open then. */
function closeBy(deadlineMs: number, socket: Socket): void {
  const deadline = setTimeout(() => socket.destroy(), deadlineMs).unref();
  socket.once('close', () => clearTimeout(deadline));
}

export type CheckListenerParts = Omit<CheckParts, 'isOneRequest'> & {
  readonly connections: Connections;
  readonly limit: ConnectionLimit;
  /** Called when a client was gone before its reply came. */
  readonly onLateReply?: () => void;
};

/** A server for the line protocol; `isOneRequest` closes after the first reply. */
export function checkListener(
  parts: CheckListenerParts,
  isOneRequest: boolean,
  deadlineMs = requestDeadlineMs,
): Server {
  const { limit, connections } = parts;
  const kind = isOneRequest ? 'check by TCP' : 'check';
  const checkParts = { ...parts, kind, isOneRequest, replies: new Replies(replyBytes) };
  // The client is gone and Node has closed the connection already.
  const onError = (error: Error) => {
    if (errnoOf(error) === 'EPIPE') parts.onLateReply?.();
  };
  return createServer({ allowHalfOpen: true, noDelay: isOneRequest }, (socket) => {
    socket.on('error', onError);
    if (!limit.enter()) {
      socket.destroy();
      return;
    }
    if (isOneRequest) closeBy(deadlineMs, socket);
    const connection = new NodeConnection(socket, checkParts);
    connections.add(connection);
    socket.on('data', (chunk) => connection.hear(chunk));
    socket.on('end', () => connection.hearEnd());
    socket.on('close', () => {
      connection.end();
      connections.remove(connection);
      limit.leave();
    });
  });
}
