/**
 * What one client's request lines are answered, in order. It knows no transport: node-connection.ts
 * and native-server.ts bring it lines and take its replies.
 *
 * Guarantee: a session is counted from its reply until its connection is closed, however either side
 * dies. When a session is asked for and refused, the connection is to be closed, because the client
 * keeps its end open and never looks at it again.
 */
import type { Gatekeeper } from '../../gatekeeper/gatekeeper.ts';
import type { Holder } from '../../gatekeeper/sessions.ts';
import type { CheckMetrics } from '../../health/check-metrics.ts';
import type { Clock } from '../../runtime/clock.ts';
import { sliceMs } from '../../runtime/work.ts';
import type { Line, RawLine } from '../../wire/raw-line.ts';
import type { Replies } from '../../wire/replies.ts';
import { errorReply, type Reply, replyLine } from '../../wire/reply.ts';
import { parseRequest } from '../../wire/request.ts';

/** What answers checks. */
export type CheckHandler = Pick<Gatekeeper, 'hit' | 'hasClass'> &
  Partial<Pick<Gatekeeper, 'hitShortly'>>;

/** How many answers may be given before the clock is read. */
const untimedAtOnce = 100;

export type CheckParts = {
  readonly gatekeeper: CheckHandler;
  readonly metrics: CheckMetrics;
  readonly clock: Clock;
  /** Whether the connection is closed after its first reply. */
  readonly isOneRequest: boolean;
  /** Whether it comes without a connection, that could stand for a session. */
  readonly isDatagram?: boolean;
};

type Answer = {
  readonly reply: Reply | Promise<Reply>;
  /** The class that the request names, if the configuration has it. */
  readonly class?: string | undefined;
};

/** What a client is told that closes its side in the middle of a line. */
export const unfinishedReply = replyLine(errorReply('Line without an end'));

/** A slice of time, in which lines are answered before others have their turn. */
export class Slice {
  readonly #clock: Clock;
  readonly #metrics: CheckMetrics;
  readonly #lastMs: number;
  #nowMs: number;
  /** How many answers were counted since the clock was read. */
  #untimed = 0;

  constructor({ clock, metrics }: Pick<CheckParts, 'clock' | 'metrics'>) {
    this.#clock = clock;
    this.#metrics = metrics;
    this.#nowMs = clock.monotonicMs();
    this.#lastMs = this.#nowMs + sliceMs;
  }

  /** When the clock was last read. */
  get nowMs(): number {
    return this.#nowMs;
  }

  get isOver(): boolean {
    return this.#nowMs >= this.#lastMs;
  }

  /** Takes note of an answer that is measured together with others. */
  untimed(): void {
    this.#untimed += 1;
    if (this.#untimed >= untimedAtOnce) this.end();
  }

  /** Measures the answers that were not. */
  end(): void {
    if (this.#untimed === 0) return;
    const readMs = this.#nowMs;
    this.#metrics.time(readMs, this.tick());
    this.#untimed = 0;
  }

  /** Reads the clock. */
  tick(): number {
    this.#nowMs = this.#clock.monotonicMs();
    return this.#nowMs;
  }
}

export class CheckConnection implements Holder {
  readonly #parts: CheckParts;
  /** Whether a session was asked for. */
  #isForSession = false;
  /** What to do when its session ends. */
  #endings: (() => void)[] = [];
  #hasEnded = false;

  constructor(parts: CheckParts) {
    this.#parts = parts;
  }

  /** Whether a session was asked for, counted or not. */
  get isForSession(): boolean {
    return this.#isForSession;
  }

  /** Whether it stands for a session. */
  get isNeeded(): boolean {
    return this.#endings.length > 0;
  }

  /** Does `work` when the session ends, at once if the client is gone already. */
  onEnd(work: () => void): void {
    if (this.#hasEnded) work();
    else this.#endings.push(work);
  }

  /** The client sends no more: ends its session. */
  end(): void {
    this.#hasEnded = true;
    for (const work of this.#endings) work();
    this.#endings = [];
  }

  /**
   * Adds the reply to a line that was read at the time of the slice; or returns it as a line that comes
   * later, and rejects with what the handler does.
   */
  answer(line: RawLine, slice: Slice, replies: Replies): Promise<string> | undefined {
    const { gatekeeper, metrics, clock } = this.#parts;
    const short = gatekeeper.hitShortly?.(line, slice.nowMs);
    if (short) {
      metrics.count(short.class, short);
      slice.untimed();
      replies.add(short);
      return undefined;
    }
    slice.end();
    const readMs = slice.nowMs;
    const { reply, class: name } = this.#answerTo(line.text);
    // The next hit must not be older than this one.
    const answeredMs = slice.tick();
    if (reply instanceof Promise) {
      return reply.then((late) => {
        metrics.note(name, late, readMs, clock.monotonicMs());
        return replyLine(late);
      });
    }
    metrics.note(name, reply, readMs, answeredMs);
    replies.add(reply);
    return undefined;
  }

  #answerTo(line: Line): Answer {
    const { gatekeeper, isOneRequest, isDatagram } = this.#parts;
    const request = parseRequest(line);
    if (typeof request === 'string') return { reply: errorReply(request) };
    if (request.isSession && isDatagram) {
      return { reply: errorReply('A datagram stands for no session') };
    }
    const isSession = request.isSession && !isOneRequest;
    // One session per connection, so that maxConnections bounds sessions too.
    if (isSession && this.isNeeded) {
      return { reply: errorReply('This connection stands for a session already') };
    }
    this.#isForSession ||= isSession;
    const reply = gatekeeper.hit(request, isSession ? this : undefined);
    return { reply, class: gatekeeper.hasClass(request.class) ? request.class : undefined };
  }
}
