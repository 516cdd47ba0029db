/**
 * A Unix socket that is listened at for as long as the daemon runs, whatever becomes of its file.
 *
 * Guarantee: when somebody removes the file, or puts a socket there that nobody listens at, the next
 * look makes it anew. Who is connected stays so, sessions included.
 * Guarantee: what else has the name then is left alone, also at the end; that is trouble until it is
 * gone.
 *
 * XXX: libuv removes whatever has a socket's name when the socket is closed. So what somebody puts
 * there in the microseconds between our look and that is lost.
 */
import type { Server } from 'node:net';
import type { Health } from '../../health/health.ts';
import { Fault, reasonOf } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import { removeStale, socketIdentity } from './unix-socket.ts';

export type SocketWatchParts = {
  readonly path: string;
  /** Listens at the path with another server. @throws Fault `listen` */
  readonly listen: () => Promise<Server>;
  readonly log: Log;
  readonly health: Health;
};

export class SocketWatch {
  readonly #parts: SocketWatchParts;
  #server: Server | undefined;
  #identity: string | undefined;
  #isLooking = false;
  #isClosed = false;

  constructor(parts: SocketWatchParts) {
    this.#parts = parts;
  }

  /** @throws Fault `listen` */
  async listen(): Promise<void> {
    this.#server = await this.#parts.listen();
    this.#identity = socketIdentity(this.#parts.path);
    if (this.#isClosed) this.#server.close();
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
    if (this.#hasItsName()) this.#server?.close();
  }

  #hasItsName(): boolean {
    return this.#identity !== undefined && socketIdentity(this.#parts.path) === this.#identity;
  }

  async #mend(): Promise<void> {
    if (this.#hasItsName()) return;
    const { path, log } = this.#parts;
    const why =
      socketIdentity(path) === undefined ? 'its file was removed' : 'another took its name';
    await removeStale(path);
    if (this.#isClosed || socketIdentity(path) !== undefined) return;
    this.#server?.close();
    this.#server = undefined;
    await this.listen();
    log.warn('listening again', { socket: path, why });
  }
}

/** What cannot be looked at is trouble as well. */
function faultOf(error: unknown): Fault {
  return error instanceof Fault ? error : new Fault('listen', reasonOf(error), error);
}
