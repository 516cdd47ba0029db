/**
 * Answers checks by datagram, by the native transport: one call for each, and no object for who has sent
 * it. A check costs most when it comes alone and nothing of ours is in the processor's caches, so that
 * little code lies on its way.
 *
 * Guarantee: a datagram gets one reply, or none if its sender is gone; one that is waited for keeps no
 * other waiting.
 */
import { existsSync, unlinkSync } from 'node:fs';
import { longestLine } from '../../wire/line-splitter.ts';
import { RawLine } from '../../wire/raw-line.ts';
import { Replies } from '../../wire/replies.ts';
import { CheckConnection, Slice } from './check-connection.ts';
import type { CheckListenerParts } from './check-listener.ts';
import type { Listed } from './connections.ts';
import {
  datagramReplyBytes,
  type NativeListener,
  type NativeTransport,
  systemError,
} from './native-transport.ts';
import type { UnixListener } from './unix-socket.ts';

/** What is returned for a datagram whose reply comes later. */
const later = 0;

export type DatagramServerParts = Omit<CheckListenerParts, 'connections' | 'limit'>;

export class DatagramServer implements UnixListener, Listed {
  readonly kind = 'check by datagram';
  readonly #native: NativeTransport;
  readonly #parts: DatagramServerParts;
  /** That of the datagram that is answered now. */
  readonly #line = Object.assign(new RawLine(), { bytes: Buffer.alloc(longestLine) });
  readonly #replies = new Replies(datagramReplyBytes);
  readonly #checks: CheckConnection;
  #listener: NativeListener | undefined;
  #path: string | undefined;

  constructor(native: NativeTransport, parts: DatagramServerParts) {
    this.#native = native;
    this.#parts = parts;
    this.#checks = new CheckConnection({ ...parts, isOneRequest: false, isDatagram: true });
  }

  get where(): string | undefined {
    return this.#path;
  }

  async listen(path: string): Promise<void> {
    const answer = (id: number, is: number, length: number) => this.#answer(id, is, length);
    const onLate = () => this.#parts.onLateReply?.();
    const listener = this.#native.receive(
      path,
      this.#line.bytes,
      this.#replies.bytes,
      answer,
      onLate,
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

  clients(): [] {
    return [];
  }

  /** The bytes of the reply to a line of so many bytes. */
  #answer(id: number, is: number, length: number): number {
    const line = this.#line;
    line.is = is;
    line.end = length;
    this.#replies.clear();
    const slice = new Slice(this.#parts);
    const late = this.#checks.answer(line, slice, this.#replies);
    slice.end();
    if (!late) return this.#replies.length;
    const replyLate = (text: string) => {
      this.#native.replyLate(this.#listener as NativeListener, id, text);
    };
    late.then(replyLate, () => replyLate(''));
    return later;
  }
}
