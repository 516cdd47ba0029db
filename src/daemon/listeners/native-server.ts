/**
 * Answers checks at a Unix socket by the native transport: no object for a client but while it has a
 * session or an answer is waited for.
 *
 * Guarantee: what was said of node-connection.ts. A batch of all clients' lines is answered in a slice;
 * what is left comes again after the lines of others.
 */
import { existsSync, unlinkSync } from 'node:fs';
import { RawLine } from '../../wire/raw-line.ts';
import { Replies } from '../../wire/replies.ts';
import { CheckConnection, Slice, unfinishedReply } from './check-connection.ts';
import type { CheckListenerParts } from './check-listener.ts';
import { type Client, waitsForReader, waitsForSession } from './connections.ts';
import {
  actions,
  batchBytes,
  firstLine,
  inGroup,
  inLine,
  isUnfinished,
  type NativeListener,
  type NativeTransport,
  replyBytes,
  shared,
  sharedNumbers,
  systemError,
  tells,
  waits,
} from './native-transport.ts';
import type { UnixListener } from './unix-socket.ts';

/** How long no one is accepted for want of a descriptor, or of memory. */
const acceptAgainMs = 100;

export type NativeServerParts = CheckListenerParts & {
  /** Called when clients could not be accepted. */
  readonly onError: (error: Error) => void;
};

export class NativeServer implements UnixListener {
  readonly kind = 'check';
  readonly #native: NativeTransport;
  readonly #parts: NativeServerParts & { readonly isOneRequest: false };
  readonly #replies = new Replies(replyBytes);
  /** The line that is answered now. */
  readonly #line = Object.assign(new RawLine(), { bytes: Buffer.alloc(batchBytes) });
  readonly #numbers = new Int32Array(sharedNumbers);
  /** Clients that have a session, or wait for an answer. */
  readonly #special = new Map<number, CheckConnection>();
  /** Those that wait for an answer. */
  readonly #held = new Set<number>();
  /** Stands for each client that is not special. */
  #plain: CheckConnection;
  #listener: NativeListener | undefined;
  #path: string | undefined;

  constructor(native: NativeTransport, parts: NativeServerParts) {
    this.#native = native;
    this.#parts = { ...parts, isOneRequest: false };
    this.#plain = new CheckConnection(this.#parts);
  }

  get where(): string | undefined {
    return this.#path;
  }

  async listen(path: string, backlog: number): Promise<void> {
    const wake = () => this.#wake();
    const listener = this.#native.listen(
      path,
      backlog,
      this.#line.bytes,
      this.#replies.bytes,
      this.#numbers,
      wake,
    );
    if (typeof listener === 'number') throw systemError(-listener, `listen ${path}`);
    this.#listener = listener;
    this.#path = path;
  }

  close(): void {
    if (this.#path === undefined || this.#listener === undefined) return;
    this.#native.close(this.#listener);
    if (existsSync(this.#path)) unlinkSync(this.#path);
    this.#path = undefined;
  }

  clients(): Client[] {
    if (this.#listener === undefined) return [];
    const { kind } = this;
    const nowMs = this.#parts.clock.monotonicMs();
    const told = this.#native.clients(this.#listener);
    return Array.from({ length: told.length / 3 }, (_, number) => {
      const [id, openMs, waitsFor] = told.slice(3 * number) as [number, number, number];
      return { kind, sinceMs: nowMs - openMs, waitsFor: this.#waitsFor(id, waitsFor) };
    });
  }

  #waitsFor(id: number, waitsFor: number): string {
    if (waitsFor === waits.forReader) return waitsForReader;
    if (this.#special.get(id)?.isNeeded) return waitsForSession;
    return waitsFor === waits.forRest ? 'the rest of a request' : 'a request';
  }

  #wake(): void {
    this.#noteCounts();
    const numbers = this.#numbers;
    const slice = new Slice(this.#parts);
    this.#replies.clear();
    let line = firstLine;
    const end = shared.firstGroup + (numbers[shared.groups] as number) * inGroup.size;
    for (let group = shared.firstGroup; group < end; group += inGroup.size) {
      this.#answerGroup(group, line, slice);
      line += (numbers[group + inGroup.lines] as number) * inLine.size;
    }
    slice.end();
    this.#native.take(this.#listener as NativeListener, this.#replies.length);
    this.#noteCounts();
  }

  /** Answers the lines of a client that come first in the numbers at `line`. */
  #answerGroup(group: number, line: number, slice: Slice): void {
    const numbers = this.#numbers;
    const told = numbers[group + inGroup.tells] as number;
    if (told & tells.isNew && !this.#parts.limit.enter()) {
      numbers[group + inGroup.actions] = actions.refuse;
      return;
    }
    const id = numbers[group + inGroup.id] as number;
    const connection = this.#special.get(id) ?? this.#plain;
    const lines = numbers[group + inGroup.lines] as number;
    let answered = 0;
    while (answered < lines && !slice.isOver && this.#replies.hasRoom) {
      const late = this.#answer(connection, line + answered * inLine.size, slice);
      answered += 1;
      if (late !== undefined) {
        this.#answerLate(id, connection, late);
        break;
      }
    }
    numbers[group + inGroup.answered] = answered;
    const isDone = answered === lines;
    numbers[group + inGroup.actions] = this.#actionsFor(id, connection, told, isDone);
  }

  #actionsFor(id: number, connection: CheckConnection, told: number, isDone: boolean): number {
    const isHeld = this.#held.has(id);
    if (!isHeld && !connection.isForSession) return 0;
    if (connection === this.#plain) {
      this.#plain = new CheckConnection(this.#parts);
      this.#special.set(id, connection);
    }
    const hasEnded = (told & tells.hasEnded) !== 0;
    if (hasEnded) connection.end();
    if (isHeld) return actions.hold | actions.watch;
    if (!hasEnded && (connection.isNeeded || !isDone)) return actions.watch;
    this.#special.delete(id);
    return hasEnded ? 0 : actions.close;
  }

  #answer(connection: CheckConnection, at: number, slice: Slice): Promise<string> | undefined {
    const line = this.#line;
    line.is = this.#numbers[at + inLine.is] as number;
    if (line.is === isUnfinished) {
      this.#replies.addLine(unfinishedReply);
      return undefined;
    }
    line.start = this.#numbers[at + inLine.start] as number;
    line.end = line.start + (this.#numbers[at + inLine.length] as number);
    return connection.answer(line, slice, this.#replies);
  }

  #answerLate(id: number, connection: CheckConnection, answer: Promise<string>): void {
    this.#held.add(id);
    const reply = (text: string, action: number) => {
      this.#held.delete(id);
      if (action !== actions.watch) this.#special.delete(id);
      this.#native.reply(this.#listener as NativeListener, id, text, action);
      this.#noteCounts();
    };
    answer.then(
      (text) => reply(text, connection.isForSession ? actions.watch : 0),
      () => reply('', actions.close),
    );
  }

  /** Takes note of what happened outside of groups. */
  #noteCounts(): void {
    const { limit, onLateReply, onError } = this.#parts;
    const numbers = this.#numbers;
    for (let left = numbers[shared.closed] as number; left > 0; left -= 1) limit.leave();
    for (let late = numbers[shared.late] as number; late > 0; late -= 1) onLateReply?.();
    const error = numbers[shared.acceptError] as number;
    numbers.fill(0, shared.closed, shared.firstGroup);
    if (error === 0) return;
    onError(systemError(error, 'accept'));
    setTimeout(() => this.#acceptAgain(), acceptAgainMs).unref();
  }

  #acceptAgain(): void {
    if (this.#listener !== undefined) this.#native.acceptAgain(this.#listener);
  }
}
