/**
 * The native transport, which src/transport builds: what it exports, and whether it can be loaded.
 *
 * It is a module for Node in C that owns the descriptors of a listener and its clients. It has no
 * opinion: what a line means, and who may stay, is decided here.
 */
import { createRequire } from 'node:module';
import { getSystemErrorMap } from 'node:util';
import { reasonOf } from '../../runtime/errors.ts';

/** What happened, in the first of the shared numbers; groups and then lines follow. */
export const shared = { groups: 0, closed: 1, late: 2, acceptError: 3, firstGroup: 4 } as const;
/** A group: what a client has sent, and what becomes of it. */
export const inGroup = { id: 0, tells: 1, lines: 2, answered: 3, actions: 4, size: 5 } as const;
/** A line: where it is in the shared bytes. */
export const inLine = { start: 0, length: 1, is: 2, size: 3 } as const;
/** What a group tells of its client. */
export const tells = { isNew: 1, hasEnded: 2 } as const;
/** What the native transport says of a line that has no end; else one of `lineIs`. */
export const isUnfinished = 3;
/** What is done with a client: see src/transport/transport.h. */
export const actions = { watch: 1, hold: 2, close: 4, refuse: 8 } as const;
export const waits = { forRequest: 0, forRest: 1, forReader: 2 } as const;

const mostGroups = 256;
const mostLines = 4096;
export const batchBytes = 1 << 17;
export const replyBytes = 1 << 16;
export const datagramReplyBytes = 1 << 10;
export const firstLine = shared.firstGroup + mostGroups * inGroup.size;
export const sharedNumbers = firstLine + mostLines * inLine.size;

declare const handle: unique symbol;
export type NativeListener = { readonly [handle]: true };

export interface NativeTransport {
  /**
   * Listens, or returns the negative number of a system error. `wake` is called when a batch is in
   * `bytes` and `numbers`, and must call `take`, with replies in `replies`.
   */
  listen(
    path: string,
    backlog: number,
    bytes: Uint8Array,
    replies: Uint8Array,
    numbers: Int32Array,
    wake: () => void,
  ): NativeListener | number;
  /** Takes so many bytes of a batch's replies, in its order, and what the numbers say of each group. */
  take(listener: NativeListener, length: number): void;
  /** The reply to the line for which a client is held. */
  reply(listener: NativeListener, id: number, reply: string, actions: number): void;
  /**
   * Receives datagrams, or returns the negative number of a system error. `answer` is called when a line
   * of so many bytes, of which `is` says what `lineIs` says, is in `text`; it returns how many bytes in
   * `replies` are its reply, or 0 when `replyLate` is to be called. `onLate` hears of senders that were gone.
   */
  receive(
    path: string,
    text: Uint8Array,
    replies: Uint8Array,
    answer: (id: number, is: number, length: number) => number,
    onLate: () => void,
  ): NativeListener | number;
  /** The reply to a datagram that had none at first; an empty one is not sent. */
  replyLate(listener: NativeListener, id: number, reply: string): void;
  /** For each client its id, for how many milliseconds it is open, and what it waits for. */
  clients(listener: NativeListener): number[];
  /** After an `acceptError`. */
  acceptAgain(listener: NativeListener): void;
  /** The name of our network namespace in decimal; empty where it has none. */
  cookie(): string;
  /** Whether it is a socket for datagrams, and certainly nobody receives any there. */
  isDeadName(path: string): boolean;
  /** Accepts no more clients; those that are connected stay. */
  close(listener: NativeListener): void;
}

const load = createRequire(import.meta.url);

/** The native transport, or why it cannot be used. */
export function loadNativeTransport(): NativeTransport | { readonly trouble: string } {
  try {
    return load('#transport');
  } catch (error) {
    return { trouble: reasonOf(error).split('\n')[0] as string };
  }
}

/** What serves the socket for checks; node:net where `wanted` says so or nothing else can. */
export function chooseTransport(wanted: string | undefined) {
  if (wanted === 'node') return { native: undefined, trouble: undefined };
  const loaded = loadNativeTransport();
  return 'trouble' in loaded
    ? { native: undefined, trouble: loaded.trouble }
    : { native: loaded, trouble: undefined };
}

/** The error with the number that the system has for it. */
export function systemError(errno: number, what: string): Error {
  const [code = `errno ${errno}`, text = 'unknown'] = getSystemErrorMap().get(-errno) ?? [];
  return Object.assign(new Error(`${code}: ${text}, ${what}`), { code });
}
