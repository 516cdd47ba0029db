/**
 * Answers checks: request lines in, reply lines out, in order.
 *
 * A Unix socket answers every line until the client closes; TCP answers one request and closes, as
 * the original rater did, and has a deadline for all of it. A client that does not read its replies
 * is not read from any more.
 *
 * Guarantee: a session is counted from its reply until its connection is closed, whoever dies how.
 * A connection that was to stand for a session and is not counted is closed, because the client
 * keeps its end open without ever looking at it again.
 */
import { createServer, type Server, type Socket } from 'node:net';
import type { Gatekeeper } from '../gatekeeper.ts';
import type { Holder } from '../sessions.ts';
import { LineSplitter } from '../wire/line-splitter.ts';
import { errorReply, type Reply, replyLine } from '../wire/reply.ts';
import { parseRequest, type Request } from '../wire/request.ts';
import type { ConnectionRoom } from './connection-room.ts';
import type { Connections } from './connections.ts';
import type { Performance } from './performance.ts';

type Answer = Reply | Promise<Reply>;

/** Sends replies in the order of their requests, also when some arrive later. */
class ReplyQueue {
  readonly #socket: Socket;
  #last: Promise<void> | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  send(answers: readonly Answer[]): void {
    if (!this.#last && answers.every((answer): answer is Reply => !(answer instanceof Promise))) {
      this.#write(answers);
      return;
    }
    const earlier = this.#last ?? Promise.resolve();
    const last = earlier.then(async () => this.#write(await Promise.all(answers)));
    this.#last = last.catch((error: unknown) => {
      this.#socket.destroy(error as Error);
    });
  }

  /** Does `work` when every answer so far is known and written: at once where none is awaited. */
  afterwards(work: () => void): void {
    if (this.#last === undefined) work();
    else void this.#last.then(work);
  }

  #write(replies: readonly Reply[]): void {
    const socket = this.#socket;
    if (!socket.writable || socket.write(replies.map(replyLine).join(''))) return;
    socket.pause().once('drain', () => socket.resume());
  }
}

/** The sessions that a connection stands for. */
class ConnectionHolder implements Holder {
  readonly #work: (() => void)[] = [];
  #hasEnded = false;

  /** Whether anything is counted for as long as the connection is open. */
  get isNeeded(): boolean {
    return this.#work.length > 0;
  }

  /** A client that is gone already has ended its session. */
  onEnd(work: () => void): void {
    if (this.#hasEnded) work();
    else this.#work.push(work);
  }

  end(): void {
    this.#hasEnded = true;
    for (const work of this.#work.splice(0)) work();
  }
}

/** What a connection by TCP may last, from its first to its last byte. */
const requestDeadlineMs = 30_000;

/** Closes the connection when it is still open then. */
function closeBy(deadlineMs: number, socket: Socket): void {
  const deadline = setTimeout(() => socket.destroy(), deadlineMs).unref();
  socket.once('close', () => clearTimeout(deadline));
}

/** Those who take note of what happens here. */
export type Watchers = {
  readonly performance: Performance;
  readonly connections: Connections;
  readonly room: ConnectionRoom;
};

/** What answers checks. */
export type Asked = Pick<Gatekeeper, 'mark' | 'hasClass'>;

/** A client that is gone is owed nothing; Node has closed the connection already. */
function ignore(): void {}

/** A server for the line protocol; `oneRequest` closes after the first reply. */
export function checkListener(
  gatekeeper: Asked,
  oneRequest: boolean,
  { performance, connections, room }: Watchers,
  deadlineMs = requestDeadlineMs,
): Server {
  const kind = oneRequest ? 'check by TCP' : 'check';
  return createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on('error', ignore);
    if (!room.takes(socket)) return;
    if (oneRequest) closeBy(deadlineMs, socket);
    const lines = new LineSplitter();
    const replies = new ReplyQueue(socket);
    const holder = new ConnectionHolder();
    connections.add(kind, socket, () => {
      if (holder.isNeeded) return 'the end of its session';
      return lines.unfinished ? 'the rest of a request' : 'a request';
    });
    const answerTo = (request: Request | string): Answer => {
      if (typeof request === 'string') return errorReply(request);
      return gatekeeper.mark(request, request.isSession && !oneRequest ? holder : undefined);
    };
    const measuredAnswerTo = (request: Request | string): Answer => {
      const name = typeof request === 'object' ? request.class : '';
      const known = gatekeeper.hasClass(name) ? name : undefined;
      return performance.measure(known, () => answerTo(request));
    };
    socket.on('data', (chunk) => {
      const received = lines.push(chunk);
      if (received.length === 0) return;
      const requests = (oneRequest ? received.slice(0, 1) : received).map(parseRequest);
      replies.send(requests.map(measuredAnswerTo));
      if (oneRequest) {
        socket.removeAllListeners('data').resume();
        replies.afterwards(() => socket.end());
      } else if (requests.some((request) => typeof request === 'object' && request.isSession)) {
        replies.afterwards(() => {
          // Without waiting for the client to end as well.
          if (!holder.isNeeded) socket.end(() => socket.destroy());
        });
      }
    });
    socket.on('close', () => holder.end());
    socket.on('end', () => {
      holder.end();
      if (lines.unfinished && socket.writable) replies.send([errorReply('Line without an end')]);
      replies.afterwards(() => {
        // The system delivers what it has taken: there is no need to wait for that.
        if (socket.writableLength === 0) socket.destroy();
        else socket.end();
      });
    });
  });
}
