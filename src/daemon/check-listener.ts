/**
 * Answers checks: request lines in, reply lines out, in order.
 *
 * A Unix socket answers every line until the client closes; TCP answers one request and closes, as
 * the original rater did. A client that does not read its replies is not read from any more.
 */
import { createServer, type Server, type Socket } from 'node:net';
import type { Gatekeeper } from '../gatekeeper.ts';
import { type Line, LineSplitter } from '../wire/line-splitter.ts';
import { errorReply, type Reply, replyLine } from '../wire/reply.ts';
import { parseRequest } from '../wire/request.ts';

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

  async end(): Promise<void> {
    await this.#last;
    this.#socket.end();
  }

  #write(replies: readonly Reply[]): void {
    if (this.#socket.writable && !this.#socket.write(replies.map(replyLine).join(''))) {
      this.#socket.pause();
    }
  }
}

function answerTo(line: Line, gatekeeper: Gatekeeper): Answer {
  const request = parseRequest(line);
  return typeof request === 'string' ? errorReply(request) : gatekeeper.mark(request);
}

/** A server for the line protocol; `oneRequest` closes after the first reply. */
export function checkListener(gatekeeper: Gatekeeper, oneRequest: boolean): Server {
  return createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const lines = new LineSplitter();
    const replies = new ReplyQueue(socket);
    const finish = () => void replies.end();
    socket.on('data', (chunk) => {
      const answers: Answer[] = [];
      for (const line of lines.push(chunk)) {
        answers.push(answerTo(line, gatekeeper));
        if (oneRequest) break;
      }
      if (answers.length === 0) return;
      replies.send(answers);
      if (oneRequest) {
        socket.removeAllListeners('data').resume();
        finish();
      }
    });
    socket.on('drain', () => socket.resume());
    socket.on('end', () => {
      if (lines.unfinished && socket.writable) replies.send([errorReply('Line without an end')]);
      finish();
    });
    // The client is gone: nothing is owed to it.
    socket.on('error', () => socket.destroy());
  });
}
