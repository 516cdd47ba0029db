/**
 * One client's checks: request lines in, reply lines out, in order.
 *
 * Guarantee: however many requests arrive at once, it answers them in slices, between which others
 * are served; and a client that does not read its replies is not answered, and not read from, until
 * it does.
 * Guarantee: a session is counted from its reply until its connection is closed, whoever dies how.
 * A connection that was to stand for a session and is not counted is closed, because the client
 * keeps its end open without ever looking at it again.
 */
import type { Socket } from 'node:net';
import type { Gatekeeper } from '../../gatekeeper/gatekeeper.ts';
import type { Holder } from '../../gatekeeper/sessions.ts';
import type { CheckMetrics } from '../../health/check-metrics.ts';
import type { Clock } from '../../runtime/clock.ts';
import { sliceMs } from '../../runtime/work.ts';
import { type Line, LineSplitter } from '../../wire/line-splitter.ts';
import { errorReply, type Reply, replyLine } from '../../wire/reply.ts';
import { parseRequest } from '../../wire/request.ts';
import { type Client, waitsForReader } from './connections.ts';

/** What answers checks. */
export type CheckHandler = Pick<Gatekeeper, 'hit' | 'hasClass'>;

export type CheckParts = {
  readonly gatekeeper: CheckHandler;
  readonly metrics: CheckMetrics;
  readonly clock: Clock;
  /** Of its listener, for people. */
  readonly kind: string;
  /** Whether the connection is closed after its first reply. */
  readonly isOneRequest: boolean;
};

type Answer = {
  readonly reply: Reply | Promise<Reply>;
  /** The class of the configuration that the request names. */
  readonly class?: string | undefined;
};

export class CheckConnection implements Client, Holder {
  readonly sinceMs: number;
  readonly #socket: Socket;
  readonly #parts: CheckParts;
  readonly #lines = new LineSplitter();
  /** The line that is answered next, or later. While there is one, nothing is read. */
  #line: Line | undefined;
  /** Whether one of the requests was to stand for a session. */
  #isForSession = false;
  /** What to do when the sessions that it stands for end. */
  #endings: (() => void)[] = [];
  #hasEnded = false;

  constructor(socket: Socket, parts: CheckParts) {
    this.#socket = socket;
    this.#parts = parts;
    this.sinceMs = parts.clock.monotonicMs();
  }

  get kind(): string {
    return this.#parts.kind;
  }

  get waitsFor(): string {
    if (this.#socket.writableNeedDrain) return waitsForReader;
    if (this.#isNeeded) return 'the end of its session';
    return this.#lines.unfinished ? 'the rest of a request' : 'a request';
  }

  /** A client that is gone already has ended its session. */
  onEnd(work: () => void): void {
    if (this.#hasEnded) work();
    else this.#endings.push(work);
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

  /** The sessions it stands for are over. */
  end(): void {
    this.#hasEnded = true;
    for (const work of this.#endings) work();
    this.#endings = [];
  }

  /** Whether anything is counted for as long as it is open. */
  get #isNeeded(): boolean {
    return this.#endings.length > 0;
  }

  /** Answers lines until the slice is over or an answer is not there yet. */
  #answer(): void {
    const { clock, metrics: performance } = this.#parts;
    let nowMs = clock.monotonicMs();
    const lastMs = nowMs + sliceMs;
    let text = '';
    do {
      const { reply, class: name } = this.#answerTo(this.#line as Line);
      const readMs = nowMs;
      if (reply instanceof Promise) {
        this.#write(text);
        this.#answerLate(reply, name, readMs);
        return;
      }
      nowMs = clock.monotonicMs();
      performance.note(name, reply, readMs, nowMs);
      text += replyLine(reply);
      this.#advance();
    } while (this.#line !== undefined && nowMs < lastMs);
    this.#goOn(this.#write(text));
  }

  #answerLate(answer: Promise<Reply>, name: string | undefined, readMs: number): void {
    const { clock, metrics: performance } = this.#parts;
    this.#socket.pause();
    answer.then(
      (reply) => {
        performance.note(name, reply, readMs, clock.monotonicMs());
        this.#advance();
        this.#goOn(this.#write(replyLine(reply)));
      },
      (error: Error) => this.#socket.destroy(error),
    );
  }

  #advance(): void {
    if (this.#parts.isOneRequest) this.#lines.drop();
    this.#line = this.#lines.next();
  }

  /** Next lines, when others have had their turn and the client has taken its replies. */
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

  /** After the client's end, when everything before is answered. */
  #close(): void {
    const socket = this.#socket;
    if (this.#lines.unfinished) this.#write(replyLine(errorReply('Line without an end')));
    // The system delivers what it has taken: there is no need to wait for that.
    if (socket.writableLength === 0) socket.destroy();
    else socket.end();
  }

  /** Everything that was asked so far is answered. */
  #finish(): void {
    const socket = this.#socket;
    if (this.#parts.isOneRequest) {
      socket.removeAllListeners('data').resume();
      socket.end();
    } else if (this.#isForSession && !this.#isNeeded) {
      // Without waiting for the client to end as well.
      socket.end(() => socket.destroy());
    } else if (socket.isPaused()) {
      socket.resume();
    }
  }

  #answerTo(line: Line): Answer {
    const { gatekeeper, isOneRequest } = this.#parts;
    const request = parseRequest(line);
    if (typeof request === 'string') return { reply: errorReply(request) };
    const isSession = request.isSession && !isOneRequest;
    // So that there are no more sessions than connections.
    if (isSession && this.#isNeeded) {
      return { reply: errorReply('This connection stands for a session already') };
    }
    this.#isForSession ||= isSession;
    const reply = gatekeeper.hit(request, isSession ? this : undefined);
    return { reply, class: gatekeeper.hasClass(request.class) ? request.class : undefined };
  }

  /** Says whether the client has taken it, or is gone. */
  #write(text: string): boolean {
    const socket = this.#socket;
    return text === '' || !socket.writable || socket.write(text);
  }
}
