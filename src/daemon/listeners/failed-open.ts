/**
 * Counts the clients that ratecheck let in without having asked: for want of permission, or of an
 * address. For each it writes a byte into a pipe beside the socket, which everybody may write to.
 *
 * Guarantee: whatever is written there, it costs one read of bounded size at each look, nobody waits,
 * and nothing comes of it but the count.
 * Guarantee: what is there and is not our pipe is neither opened for long, changed nor removed.
 */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
} from 'node:fs';
import { birthAt } from '../../files/file-identity.ts';
import type { Health } from '../../health/health.ts';
import { errnoOf, Fault, reasonOf } from '../../runtime/errors.ts';

/** Open for writing as well, so that without a writer it is empty and not at its end. */
const flags = constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW;
const pipeMode = 0o622;
/** A pipe of the usual size holds as much. */
const maxBytes = 65_536;

export class FailedOpen {
  readonly #path: string;
  readonly #health: Health;
  readonly #bytes = Buffer.alloc(maxBytes);
  #pipe: number | undefined;
  #birth: string | undefined;

  /** Beside the socket for checks. */
  constructor(socket: string, health: Health) {
    this.#path = `${socket}.failed-open`;
    this.#health = health;
  }

  /** Counts what came since the last look, and makes the pipe where there is none. */
  look(): void {
    this.#health.try('failed open file', `file ${this.#path}`, () => {
      try {
        this.#open();
        this.#count();
      } catch (error) {
        if (error instanceof Fault) throw error;
        throw new Fault('listen', reasonOf(error).trim(), error);
      }
    });
  }

  close(): void {
    if (this.#pipe !== undefined) closeSync(this.#pipe);
    this.#pipe = undefined;
  }

  #open(): void {
    const birth = birthAt(this.#path, lstatSync);
    if (this.#pipe !== undefined && birth !== undefined && birth === this.#birth) return;
    this.close();
    if (birth === undefined) makePipe(this.#path);
    this.#pipe = openPipe(this.#path);
    this.#birth = birthAt(this.#path, lstatSync);
  }

  #count(): void {
    const clients = this.#pipe === undefined ? 0 : readFrom(this.#pipe, this.#bytes);
    if (clients > 0) this.#health.warn('failed open', {}, clients);
  }
}

/** Node makes none. */
function makePipe(path: string): void {
  const { error, status, stderr } = spawnSync('mkfifo', ['-m', '0600', '--', path], {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  if (error) throw error;
  if (status !== 0) throw new Error(stderr.trim().replaceAll('\n', ' ') || 'mkfifo failed');
}

function openPipe(path: string): number {
  // Opening a device could have effects.
  if (!lstatSync(path).isFIFO()) throw new Fault('listen', `${path} is there and is no pipe`);
  const pipe = openSync(path, flags);
  const stats = fstatSync(pipe);
  if (stats.isFIFO() && stats.uid === process.geteuid?.()) {
    fchmodSync(pipe, pipeMode);
    return pipe;
  }
  closeSync(pipe);
  throw new Fault('listen', `${path} is there and is somebody else's`);
}

/** How many bytes were waiting. */
function readFrom(pipe: number, bytes: Buffer): number {
  try {
    return readSync(pipe, bytes);
  } catch (error) {
    if (errnoOf(error) === 'EAGAIN') return 0;
    throw error;
  }
}
