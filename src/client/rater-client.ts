/**
 * The client library: asks a rater whether something happens more often than it should.
 *
 * Guarantee: a check always ends, at its deadline at the latest, and with a result, because a rater
 * that is down must not stop the mail. Requests share one connection, which is opened when it is
 * needed and again after it breaks. No request is sent twice, because each one counts.
 */
import { connect, type Socket } from 'node:net';
import { systemClock } from '../runtime/clock.ts';
import { reasonOf } from '../runtime/errors.ts';
import { quoted } from '../runtime/log.ts';
import { LineSplitter, longestLine } from '../wire/line-splitter.ts';
import { parseReply } from '../wire/reply.ts';
import { requestLine } from '../wire/request.ts';

/** Where the rater is and what to do without it. */
export type RaterClientOptions = {
  /** Path of its Unix socket. The default is `/run/ipthrottle/rater.sock`, unless `port` is given. */
  readonly socket?: string;
  /** Port of its TCP listener instead; slower, because each check needs a connection of its own. */
  readonly port?: number;
  /** With `port`: the host. The default is `127.0.0.1`. */
  readonly host?: string;
  /** Milliseconds that a check may take, 1 to 600000. The default is 500. */
  readonly timeoutMs?: number;
  /** Whether a check without a usable answer is within (`open`, the default) or not (`closed`). */
  readonly onFailure?: 'open' | 'closed';
};

/** The result of a check. */
export type CheckResult = {
  /** Whether the value is within its limit; without an answer, what `onFailure` says. */
  readonly isWithin: boolean;
  /** Hits in the limit's window, this one included; exact up to twice the limit. */
  readonly count: number;
  /** The hits allowed; -1 when there is no limit or no answer. */
  readonly limit: number;
  /** Seconds until the value is no longer blocked, when it is. */
  readonly secondsLeft?: number;
  /** Present when no usable answer came, so that nothing was checked. */
  readonly isUnchecked?: true;
  /** With `isUnchecked`: why, in one printable line. */
  readonly problem?: string;
};

const defaultSocket = '/run/ipthrottle/rater.sock';
const longestTimeoutMs = 600_000;
const firstPauseMs = 10;
const longestPauseMs = 250;

/** A check that waits to be sent, or for its reply. `settle` takes effect only once. */
type Check = {
  readonly line: string;
  sentMs: number;
  isSettled: boolean;
  settle(result: CheckResult): void;
};

function checkOptions({ socket, port, host, timeoutMs, onFailure }: RaterClientOptions): void {
  if (socket !== undefined && (port !== undefined || host !== undefined)) {
    throw new TypeError('RaterClient: either socket or host and port, not both');
  }
  if (host !== undefined && port === undefined) throw new TypeError('RaterClient: host needs port');
  if (socket !== undefined && (typeof socket !== 'string' || !socket || socket.includes('\0'))) {
    throw new TypeError('RaterClient: socket must be a path');
  }
  if (port !== undefined && !(Number.isInteger(port) && port >= 1 && port <= 65_535)) {
    throw new TypeError('RaterClient: port must be a whole number from 1 to 65535');
  }
  if (timeoutMs !== undefined && !(timeoutMs >= 1 && timeoutMs <= longestTimeoutMs)) {
    throw new TypeError(`RaterClient: timeoutMs must be 1 to ${longestTimeoutMs}`);
  }
  if (onFailure !== undefined && onFailure !== 'open' && onFailure !== 'closed') {
    throw new TypeError("RaterClient: onFailure must be 'open' or 'closed'");
  }
}

/** @throws TypeError */
function lineFor(name: string, value: string): string {
  const line = requestLine({ class: name, value, isSession: false });
  if (line === undefined) {
    throw new TypeError(
      `RaterClient: class or value cannot be sent, it is empty or has a line break: ${quoted(`${name} ${value}`)}`,
    );
  }
  if (Buffer.byteLength(line) - 1 > longestLine) {
    throw new TypeError(`RaterClient: class and value have more than ${longestLine - 1} bytes`);
  }
  return line;
}

/**
 * A connection to a rater.
 *
 * ```ts
 * const rater = new RaterClient({ socket: '/run/ipthrottle/rater.sock' });
 * const { isWithin, secondsLeft } = await rater.check('user', name);
 * ```
 *
 * A client without checks under way does not keep the process alive.
 */
export class RaterClient {
  readonly #where: { readonly path: string } | { readonly host: string; readonly port: number };
  readonly #shownWhere: string;
  readonly #timeoutMs: number;
  readonly #isOpenOnFailure: boolean;
  /** Checks to send, and those sent, whose replies come in this order. */
  #waiting: Check[] = [];
  #sent: Check[] = [];
  /** How many of them have no result yet. */
  #awaited = 0;
  #socket: Socket | undefined;
  #isConnected = false;
  #isFlushPlanned = false;
  #isClosed = false;
  /** When the other side last said anything on this connection. */
  #heardMs = 0;
  /** After a failure nothing is tried before this moment. */
  #retryMs = 0;
  #pauseMs = 0;
  #lastProblem = '';

  /** Does not connect yet. @throws TypeError for options that make no sense */
  constructor(options: RaterClientOptions = {}) {
    checkOptions(options);
    const { socket = defaultSocket, port, host = '127.0.0.1' } = options;
    this.#where = port === undefined ? { path: socket } : { host, port };
    this.#shownWhere = port === undefined ? socket : `${host}:${port}`;
    this.#timeoutMs = options.timeoutMs ?? 500;
    this.#isOpenOnFailure = options.onFailure !== 'closed';
  }

  /**
   * Counts a hit for `value` in the class `name`, and says whether it is within the limit. Resolves
   * within `timeoutMs`, also when there is no rater; checks may be made without waiting for
   * earlier ones. Rejects only with a TypeError: after `close`, and when class or value is empty,
   * has a line break or a NUL, when the class has a space or begins with `+`, or when both together
   * are longer than 999 bytes of UTF-8.
   */
  async check(name: string, value: string): Promise<CheckResult> {
    if (this.#isClosed) throw new TypeError('RaterClient: check after close');
    const line = lineFor(name, value);
    return new Promise((resolve) => {
      const check: Check = {
        line,
        sentMs: systemClock.monotonicMs(),
        isSettled: false,
        settle: (result) => {
          if (check.isSettled) return;
          check.isSettled = true;
          this.#awaited -= 1;
          clearTimeout(timer);
          resolve(result);
        },
      };
      const timer = setTimeout(() => this.#expire(check), this.#timeoutMs);
      this.#awaited += 1;
      this.#waiting.push(check);
      this.#planFlush();
    });
  }

  /** Closes the connection. Checks that are under way end without an answer. */
  close(): void {
    this.#isClosed = true;
    this.#drop('closed by its user');
    this.#failWaiting('closed by its user');
  }

  /** Sends checks that are made in one go with one write. */
  #planFlush(): void {
    if (this.#isFlushPlanned) return;
    this.#isFlushPlanned = true;
    queueMicrotask(() => {
      this.#isFlushPlanned = false;
      this.#flush();
    });
  }

  #flush(): void {
    this.#waiting = this.#waiting.filter(({ isSettled }) => !isSettled);
    if (this.#waiting.length === 0) this.#rest();
    else if (this.#isConnected) this.#send();
    else if (!this.#socket) this.#connect();
  }

  #send(): void {
    const isPipelined = 'path' in this.#where;
    if (!isPipelined && this.#sent.length > 0) return;
    const batch = this.#waiting.splice(0, isPipelined ? this.#waiting.length : 1);
    for (const check of batch) {
      check.sentMs = systemClock.monotonicMs();
      this.#sent.push(check);
    }
    this.#socket?.ref().write(batch.map(({ line }) => line).join(''));
  }

  /** An idle connection does not keep the process alive. */
  #rest(): void {
    if (this.#sent.length === 0) this.#socket?.unref();
  }

  #connect(): void {
    if (systemClock.monotonicMs() < this.#retryMs) {
      this.#failWaiting(this.#lastProblem);
      return;
    }
    const socket = connect(this.#where);
    const lines = new LineSplitter();
    this.#socket = socket;
    // What an old connection still says is ignored.
    const isCurrent = () => this.#socket === socket;
    socket.setNoDelay(true);
    socket.on('connect', () => {
      if (!isCurrent()) return;
      this.#isConnected = true;
      this.#heardMs = systemClock.monotonicMs();
      this.#flush();
    });
    socket.on('data', (chunk) => {
      for (const line of lines.push(chunk)) {
        if (isCurrent()) this.#take(typeof line === 'string' ? line : `a line that is ${line.is}`);
      }
    });
    socket.on('error', (error) => {
      if (isCurrent()) this.#fail(reasonOf(error));
    });
    socket.on('close', () => {
      if (!isCurrent()) return;
      // A rater that went away while no check was under way is no failure.
      if (this.#sent.length + this.#waiting.length === 0) this.#drop('connection closed');
      else this.#fail('connection closed');
    });
  }

  #take(line: string): void {
    this.#heardMs = systemClock.monotonicMs();
    const reply = parseReply(line);
    const check = this.#sent.shift();
    if (!reply || !check) {
      if (check) this.#sent.unshift(check);
      this.#fail(`nonsense from it: ${quoted(line)}`);
      return;
    }
    this.#pauseMs = 0;
    if (reply.status === 2) {
      check.settle(this.#unchecked(`it says: ${quoted(reply.message)}`));
    } else {
      const { status, count, limit, secondsLeft } = reply;
      const result = { isWithin: status === 0, count, limit };
      check.settle(secondsLeft === undefined ? result : { ...result, secondsLeft });
    }
    if (!('path' in this.#where)) this.#drop('');
    if (this.#waiting.length > 0) this.#planFlush();
    else this.#rest();
  }

  /**
   * A check has reached its deadline. Its reply may still come, so the connection stays while other
   * checks wait, but not when it is silent for long: requests would pile up on it.
   */
  #expire(check: Check): void {
    const problem = `no answer within ${this.#timeoutMs} ms`;
    check.settle(this.#unchecked(problem));
    if (!this.#socket) return;
    const nowMs = systemClock.monotonicMs();
    const silentMs = nowMs - Math.max(this.#heardMs, this.#sent[0]?.sentMs ?? nowMs);
    if (this.#awaited === 0 || silentMs > 2 * this.#timeoutMs) this.#fail(problem);
  }

  /**
   * Gives up the connection and whatever was sent on it. A connection that has worked may be
   * replaced at once; after further failures nothing is tried for a moment.
   */
  #fail(problem: string): void {
    this.#retryMs = systemClock.monotonicMs() + this.#pauseMs;
    this.#pauseMs = Math.min(longestPauseMs, this.#pauseMs * 2 || firstPauseMs);
    this.#lastProblem = problem;
    const wasConnected = this.#isConnected;
    this.#drop(problem);
    // Waiting checks were never sent and still can be, unless there was no connection at all.
    if (wasConnected && this.#waiting.length > 0) this.#planFlush();
    else this.#failWaiting(problem);
  }

  #drop(problem: string): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#isConnected = false;
    socket?.destroy();
    for (const check of this.#sent.splice(0)) check.settle(this.#unchecked(problem));
  }

  #failWaiting(problem: string): void {
    for (const check of this.#waiting.splice(0)) check.settle(this.#unchecked(problem));
  }

  #unchecked(problem: string): CheckResult {
    return {
      isWithin: this.#isOpenOnFailure,
      count: 0,
      limit: -1,
      isUnchecked: true,
      problem: `rater at ${quoted(this.#shownWhere)}: ${problem}`,
    };
  }
}
