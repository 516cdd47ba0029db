/**
 * One client's checks: request lines in, reply lines out, in order.
 *
 * Guarantee: however many requests arrive at once, they are answered in slices, between which other
 * clients are served. A client that does not read its replies is neither answered nor read from
 * until it does.
 * Guarantee: a session is counted from its reply until its connection is closed, however either side
 * dies. When a session is asked for and refused, the connection is closed, because the client keeps
 * its end open and never looks at it again.
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
export type CheckHandler = Pick<Gatekeeper, 'hit' | 'hasClass'> &
  Partial<Pick<Gatekeeper, 'hitShortly'>>;

/** How many lines may go the short way before the clock is read. */
const shortAtOnce = 100;

export type CheckParts = {
  readonly gatekeeper: CheckHandler;
  readonly metrics: CheckMetrics;
  readonly clock: Clock;
  /** The kind of its listener, for people. */
  readonly kind: string;
  /** Whether the connection is closed after its first reply. */
  readonly isOneRequest: boolean;
};

type Answer = {
  readonly reply: Reply | Promise<Reply>;
  /** The class that the request names, if the configuration has it. */
  readonly class?: string | undefined;
};

export class CheckConnection implements Client, Holder {
  readonly sinceMs: number;
  readonly #socket: Socket;
  readonly #parts: CheckParts;
  readonly #lines = new LineSplitter();
  /** The line to answer next. While there is one, nothing is read. */
  #line: Line | undefined;
  /** Whether a session was asked for. */
  #isForSession = false;
  /** What to do when its session ends. */
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

  /** Does `work` when the session ends, at once if the client is gone already. */
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

  /** Ends its session. */
  end(): void {
    this.#hasEnded = true;
    for (const work of this.#endings) work();
    this.#endings = [];
  }

  /** Whether it stands for a session. */
  get #isNeeded(): boolean {
    return this.#endings.length > 0;
  }

  /** Answers lines until the slice is over or an answer has to be waited for. */
  #answer(): void {
    const { clock, metrics } = this.#parts;
    let nowMs = clock.monotonicMs();
    const lastMs = nowMs + sliceMs;
    let text = '';
    do {
      const readMs = nowMs;
      const short = this.#answerShortly(nowMs);
      if (short !== '') {
        text += short;
        nowMs = clock.monotonicMs();
        metrics.time(readMs, nowMs);
        continue;
      }
      const { reply, class: name } = this.#answerTo(this.#line as Line);
      if (reply instanceof Promise) {
        this.#write(text);
        this.#answerLate(reply, name, readMs);
        return;
      }
      nowMs = clock.monotonicMs();
      metrics.note(name, reply, readMs, nowMs);
      text += replyLine(reply);
      this.#advance();
    } while (this.#line !== undefined && nowMs < lastMs);
    this.#goOn(this.#write(text));
  }

  /** The replies to the lines, up to the first that has to go the general way. */
  #answerShortly(nowMs: number): string {
    const { gatekeeper, metrics } = this.#parts;
    let text = '';
    for (let lines = 0; lines < shortAtOnce && this.#line !== undefined; lines += 1) {
      const answer = gatekeeper.hitShortly?.(this.#line, nowMs);
      if (!answer) break;
      metrics.count(answer.class, answer);
      text += replyLine(answer);
      this.#advance();
    }
    return text;
  }

  #answerLate(answer: Promise<Reply>, name: string | undefined, readMs: number): void {
    const { clock, metrics } = this.#parts;
    this.#socket.pause();
    answer.then(
      (reply) => {
        metrics.note(name, reply, readMs, clock.monotonicMs());
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
    if (this.#lines.unfinished) this.#write(replyLine(errorReply('Line without an end')));
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
    // One session per connection, so that maxConnections bounds sessions too.
    if (isSession && this.#isNeeded) {
      return { reply: errorReply('This connection stands for a session already') };
    }
    this.#isForSession ||= isSession;
    const reply = gatekeeper.hit(request, isSession ? this : undefined);
    return { reply, class: gatekeeper.hasClass(request.class) ? request.class : undefined };
  }

  /** Returns whether the client has taken the text, or is gone. */
  #write(text: string): boolean {
    const socket = this.#socket;
    return text === '' || !socket.writable || socket.write(text);
  }
}
