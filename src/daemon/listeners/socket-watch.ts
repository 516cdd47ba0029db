/**
 * A Unix socket that the daemon listens on for as long as it runs, whatever becomes of its file.
 *
 * Guarantee: when somebody removes the file, or replaces it by a dead socket, the next look makes it
 * anew. Connected clients stay connected, sessions included.
 * Guarantee: anything else that has taken the name is left alone, also at the end; it is trouble
 * until it is gone.
 *
 * XXX: on close the listener removes whatever has the socket's name. A file that somebody puts there in the
 * microseconds between our look and the close is lost.
 */
import type { Health } from '../../health/health.ts';
import { Fault, reasonOf } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import {
  removeStale,
  socketIdentity,
  type UnixListener,
  type UnixSocketOptions,
} from './unix-socket.ts';

export type SocketWatchParts = {
  readonly path: string;
  readonly isDead?: UnixSocketOptions['isDead'];
  /** Listens on the path anew. @throws Fault `listen` */
  readonly listen: () => Promise<UnixListener>;
  readonly log: Log;
  readonly health: Health;
};

export class SocketWatch {
  readonly #parts: SocketWatchParts;
  #listener: UnixListener | undefined;
  #identity: string | undefined;
  #isLooking = false;
  #isClosed = false;

  constructor(parts: SocketWatchParts) {
    this.#parts = parts;
  }

  /** @throws Fault `listen` */
  async listen(): Promise<void> {
    this.#listener = await this.#parts.listen();
    this.#identity = socketIdentity(this.#parts.path);
    if (this.#isClosed) this.#listener.close();
  }

  /** Listens anew if the file is not ours any more. */
  async look(): Promise<void> {
    if (this.#isLooking || this.#isClosed) return;
    this.#isLooking = true;
    const fault = await this.#mend().then(
      () => undefined,
      (error: unknown) => faultOf(error),
    );
    this.#isLooking = false;
    if (this.#isClosed) return;
    this.#parts.health.try('socket', `socket ${this.#parts.path}`, () => {
      if (fault) throw fault;
    });
  }

  close(): void {
    this.#isClosed = true;
    if (this.#hasItsName()) this.#listener?.close();
  }

  #hasItsName(): boolean {
    return this.#identity !== undefined && socketIdentity(this.#parts.path) === this.#identity;
  }

  async #mend(): Promise<void> {
    if (this.#hasItsName()) return;
    const { path, isDead, log } = this.#parts;
    const why =
      socketIdentity(path) === undefined ? 'its file was removed' : 'another took its name';
    await removeStale(path, isDead);
    if (this.#isClosed || socketIdentity(path) !== undefined) return;
    this.#listener?.close();
    this.#listener = undefined;
    await this.listen();
    log.warn('listening again', { socket: path, why });
  }
}

function faultOf(error: unknown): Fault {
  return error instanceof Fault ? error : new Fault('listen', reasonOf(error), error);
}
