/**
 * The operator's socket: one command a line. A line that starts with `{` is a program's: JSON,
 * answered by the outcome in one line of JSON. Any other is a person's: words, answered by the
 * outcome's lines and a last line `Ok`, also after an error.
 *
 * Guarantee: all complete lines are carried out one after the other, in their order. A client that
 * does not read its answers is not read from. A client beyond the limit is closed at once, and one
 * by TCP after half an hour without a word.
 *
 * SECURITY: everybody who can connect can block and unblock. The socket's mode 0600 restricts that;
 * by TCP it is every user of this host.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { textPieces } from '../../commands/answer-text.ts';
import type { CommandContext, Line, Outcome } from '../../commands/command.ts';
import { type CommandCall, carryOut, runCommand, shellCommands } from '../../commands/commands.ts';
import { outcomePieces } from '../../commands/outcome-json.ts';
import type { Clock } from '../../runtime/clock.ts';
import { exitCodes, Fault } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import { doBeside, sliceMs } from '../../runtime/work.ts';
import { LineSplitter } from '../../wire/line-splitter.ts';
import type { Line as ReceivedLine } from '../../wire/raw-line.ts';
import type { ConnectionLimit } from './connection-limit.ts';
import { type Client, type Connections, waitsForReader } from './connections.ts';
import { parseLine } from './parse-line.ts';

/** Bytes, enough for a command with tens of thousands of addresses. */
export const longestCommand = 1 << 20;
/** Bytes, more than a person types. */
export const longestPersonLine = 1 << 16;
/** Characters of an answer that are given to the system at once. */
const writtenAtOnce = 1 << 16;
const openingBrace = '{';
/** Of an operator, in the history. */
const longestName = 64;
/** By TCP a client that has vanished looks like one that is thinking. */
const idleByTcpMs = 30 * 60_000;

export type ControlListenerParts = {
  readonly context: () => CommandContext;
  readonly connections: Connections;
  readonly limit: ConnectionLimit;
  readonly log: Log;
  readonly clock: Clock;
  /** Whether its clients come by TCP. */
  readonly isTcp: boolean;
};

/** The text to send for a line, made while it is sent; after the last one the connection ends. */
type Answer = { readonly pieces: Iterable<string>; readonly isLast: boolean };

function isCall(value: unknown): value is CommandCall {
  const call = value as Partial<CommandCall> | null;
  return (
    typeof call?.command === 'string' &&
    Array.isArray(call.arguments) &&
    call.arguments.every((argument) => typeof argument === 'string') &&
    typeof call.options === 'object' &&
    call.options !== null &&
    Object.values(call.options).every((value) => ['string', 'boolean'].includes(typeof value)) &&
    ['string', 'undefined'].includes(typeof call.by)
  );
}

/** Undefined for a line whose begin is lost. */
function isOfProgram(line: ReceivedLine): boolean | undefined {
  if (typeof line === 'string') return line.startsWith(openingBrace);
  return line.is === 'too long' ? undefined : line.bytes[0] === openingBrace.charCodeAt(0);
}

function callIn(line: ReceivedLine): CommandCall | undefined {
  if (typeof line !== 'string') return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return isCall(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const notACall = { exit: exitCodes.operator.code, lines: ['rater: error: not a command'] };

/** With who calls: by TCP it may be anybody, but only root and rater's user reach the Unix socket. */
function asCalledBy(name: string | undefined, context: CommandContext): CommandContext {
  return name && !context.isByTcp ? { ...context, by: name.slice(0, longestName) } : context;
}

async function answerProgram(line: ReceivedLine, context: CommandContext): Promise<Answer> {
  const call = callIn(line);
  const told: Outcome = call ? await runCommand(call, asCalledBy(call.by, context)) : notACall;
  const lines = call?.writesInstants ? told.lines : await textBeside(told.lines);
  return { pieces: outcomePieces({ ...told, lines }), isLast: false };
}

/** What textLines() gives, in slices. */
function textBeside(lines: readonly Line[]): Promise<string[]> {
  return doBeside(
    (function* () {
      let text = '';
      for (const piece of textPieces(lines)) {
        text += piece;
        yield;
      }
      return text.split('\n').slice(0, -1);
    })(),
  );
}

/** A person's line as text. @throws Fault `usage` */
function textOf(line: ReceivedLine): string {
  const isText = typeof line === 'string';
  if (!isText && line.is === 'not UTF-8') throw new Fault('usage', 'a line is not UTF-8');
  if (!isText || Buffer.byteLength(line) > longestPersonLine) {
    throw new Fault('usage', `a line is longer than ${longestPersonLine} bytes`);
  }
  return line;
}

async function answerPerson(
  line: ReceivedLine,
  context: CommandContext,
  lineEnd: string,
): Promise<Answer> {
  try {
    const call = parseLine(textOf(line), shellCommands);
    if (!call) return { pieces: [`Ok${lineEnd}`], isLast: false };
    const { lines } = await carryOut(call, context);
    return { pieces: personPieces(lines, lineEnd), isLast: call.command === 'exit' };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const lines = error.message.split('\n').map((what) => `error: ${what}`);
    return { pieces: personPieces(lines, lineEnd), isLast: false };
  }
}

function* personPieces(lines: readonly Line[], lineEnd: string): Generator<string> {
  for (const piece of textPieces(lines)) {
    yield lineEnd === '\n' ? piece : piece.replaceAll('\n', lineEnd);
  }
  yield `Ok${lineEnd}`;
}

/** Resolves when the client has read enough to be sent more, or is gone. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) resolve();
    else socket.once('drain', resolve).once('close', () => resolve());
  });
}

/** One client's conversation. */
class Conversation implements Client {
  readonly sinceMs: number;
  readonly #socket: Socket;
  readonly #parts: ControlListenerParts;
  readonly #lines = new LineSplitter(longestCommand);
  /** Whether the client is a program, by its first byte; decides for overlong lines. */
  #isProgram: boolean | undefined;
  #command: string | undefined;
  #isOver = false;

  constructor(socket: Socket, parts: ControlListenerParts) {
    this.#socket = socket;
    this.#parts = parts;
    this.sinceMs = parts.clock.monotonicMs();
  }

  get kind(): string {
    return this.#parts.isTcp ? 'control by TCP' : 'control';
  }

  get waitsFor(): string {
    if (this.#socket.writableNeedDrain) return waitsForReader;
    if (this.#command !== undefined) return `the end of its command`;
    return this.#lines.unfinished ? 'the rest of a command' : 'a command';
  }

  /** Carries out all lines that `chunk` completes. */
  async hear(chunk: Buffer): Promise<void> {
    this.#isProgram ??= chunk[0] === openingBrace.charCodeAt(0);
    for (const line of this.#lines.push(chunk)) {
      if (this.#isOver) return;
      this.#command = '';
      const { pieces, isLast } = await this.#answer(line);
      this.#command = undefined;
      if (isLast) this.#isOver = true;
      await this.#send(pieces);
      if (isLast) this.#socket.end(() => this.#socket.destroy());
    }
  }

  /** In slices, and no faster than the client reads. */
  async #send(pieces: Iterable<string>): Promise<void> {
    let [text, sinceMs] = ['', this.#parts.clock.monotonicMs()];
    const flush = () => text === '' || this.#socket.write(text);
    for (const piece of pieces) {
      text += piece;
      if (!this.#socket.writable) return;
      const isOverdue = this.#parts.clock.monotonicMs() - sinceMs > sliceMs;
      if (!isOverdue && text.length < writtenAtOnce) continue;
      if (!flush()) await drained(this.#socket);
      else await nextTurn();
      [text, sinceMs] = ['', this.#parts.clock.monotonicMs()];
    }
    if (this.#socket.writable && !flush()) await drained(this.#socket);
  }

  async #answer(line: ReceivedLine): Promise<Answer> {
    const { isTcp, log } = this.#parts;
    const isProgram = isOfProgram(line) ?? this.#isProgram;
    const context = { ...this.#parts.context(), isByTcp: isTcp, by: this.kind };
    const lineEnd = isTcp ? '\r\n' : '\n';
    try {
      return isProgram
        ? await answerProgram(line, context)
        : await answerPerson(line, context, lineEnd);
    } catch (error) {
      // A bug in a command is no reason to stop counting.
      const what = error instanceof Error ? error.stack : String(error);
      log.error('bug', { what });
      const lines = ['rater: bug in this command; the log has more'];
      const outcome = `${JSON.stringify({ exit: exitCodes.bug.code, lines })}\n`;
      const said = `error: ${lines[0]}${lineEnd}Ok${lineEnd}`;
      return { pieces: [isProgram ? outcome : said], isLast: false };
    }
  }
}

/** A server for the control shell. */
export function controlListener(parts: ControlListenerParts, idleMs = idleByTcpMs): Server {
  return createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    if (!parts.limit.enter()) {
      socket.destroy();
      return;
    }
    if (parts.isTcp) socket.setTimeout(idleMs, () => socket.destroy());
    const conversation = new Conversation(socket, parts);
    let heard = Promise.resolve();
    parts.connections.add(conversation);
    socket.on('close', () => {
      parts.connections.remove(conversation);
      parts.limit.leave();
    });
    socket.on('data', (chunk) => {
      socket.pause();
      heard = heard.then(() => conversation.hear(chunk)).then(() => void socket.resume());
    });
    socket.on('end', () => void heard.then(() => socket.end()));
  });
}
