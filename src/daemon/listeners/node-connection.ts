/**
 * A client for checks at a socket of node:net: reads its lines, has them answered and writes.
 *
 * Guarantee: however many requests arrive at once, they are answered in slices, between which other
 * clients are served. A client that does not read its replies is neither answered nor read from
 * until it does.
 */
import type { Socket } from 'node:net';
import { LineSplitter } from '../../wire/line-splitter.ts';
import type { RawLine } from '../../wire/raw-line.ts';
import type { Replies } from '../../wire/replies.ts';
import { CheckConnection, type CheckParts, Slice, unfinishedReply } from './check-connection.ts';
import { type Client, waitsForReader, waitsForSession } from './connections.ts';

export type NodeConnectionParts = CheckParts & {
  /** The kind of its listener, for people. */
  readonly kind: string;
  /** Where the replies of a turn are put together. */
  readonly replies: Replies;
};

export class NodeConnection implements Client {
  readonly sinceMs: number;
  readonly #socket: Socket;
  readonly #parts: NodeConnectionParts;
  readonly #checks: CheckConnection;
  readonly #lines = new LineSplitter();
  /** The line to answer next. While there is one, nothing is read. */
  #line: RawLine | undefined;
  #hasEnded = false;

  constructor(socket: Socket, parts: NodeConnectionParts) {
    this.#socket = socket;
    this.#parts = parts;
    this.#checks = new CheckConnection(parts);
    this.sinceMs = parts.clock.monotonicMs();
  }

  get kind(): string {
    return this.#parts.kind;
  }

  get waitsFor(): string {
    if (this.#socket.writableNeedDrain) return waitsForReader;
    if (this.#checks.isNeeded) return waitsForSession;
    return this.#lines.unfinished ? 'the rest of a request' : 'a request';
  }

  hear(chunk: Buffer): void {
    this.#lines.feed(chunk);
    this.#line = this.#lines.next();
    if (this.#line !== undefined) this.#answer();
  }

  /** The client sends no more; Node says so even while nothing is read. */
  hearEnd(): void {
    this.end();
    if (this.#line === undefined) this.#close();
  }

  /** The client is gone, or sends no more. */
  end(): void {
    this.#hasEnded = true;
    this.#checks.end();
  }

  /** Answers lines until the slice is over or an answer has to be waited for. */
  #answer(): void {
    const slice = new Slice(this.#parts);
    const { replies } = this.#parts;
    replies.clear();
    do {
      const late = this.#checks.answer(this.#line as RawLine, slice, replies);
      if (late !== undefined) {
        this.#writeReplies();
        this.#answerLate(late);
        return;
      }
      this.#advance();
    } while (this.#line !== undefined && !slice.isOver && replies.hasRoom);
    slice.end();
    this.#goOn(this.#writeReplies());
  }

  #answerLate(answer: Promise<string>): void {
    this.#socket.pause();
    answer.then(
      (reply) => {
        this.#advance();
        this.#goOn(this.#write(reply));
      },
      (error: Error) => this.#socket.destroy(error),
    );
  }

  #advance(): void {
    if (this.#parts.isOneRequest) this.#lines.drop();
    this.#line = this.#lines.next();
  }

  /** Goes on when other clients have had their turn and this one has taken its replies. */
  #goOn(isTaken: boolean): void {
    const socket = this.#socket;
    if (socket.destroyed) return;
    if (!isTaken) {
      socket.pause().once('drain', () => this.#goOn(true));
    } else if (this.#line !== undefined) {
      socket.pause();
      setImmediate(() => this.#answer());
    } else if (this.#hasEnded) {
      this.#close();
    } else {
      this.#finish();
    }
  }

  /** Closes after the client's end, when everything before it is answered. */
  #close(): void {
    const socket = this.#socket;
    if (this.#lines.unfinished) this.#write(unfinishedReply);
    // What the kernel has taken it delivers: no need to wait.
    if (socket.writableLength === 0) socket.destroy();
    else socket.end();
  }

  /** Decides how to go on when everything asked so far is answered. */
  #finish(): void {
    const socket = this.#socket;
    if (this.#parts.isOneRequest) {
      socket.removeAllListeners('data').resume();
      socket.end();
    } else if (this.#checks.isForSession && !this.#checks.isNeeded) {
      // Without waiting for the client to end as well.
      socket.end(() => socket.destroy());
    } else if (socket.isPaused()) {
      socket.resume();
    }
  }

  #writeReplies(): boolean {
    return this.#write(Buffer.from(this.#parts.replies.said));
  }

  /** Returns whether the client has taken it, or is gone. */
  #write(text: string | Buffer): boolean {
    const socket = this.#socket;
    return text.length === 0 || !socket.writable || socket.write(text);
  }
}
