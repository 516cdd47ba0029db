/**
 * The heartbeat tells a starting rater how long none was running and how the last one ended: a file
 * beside the database that says `running` or `stopped`, modified while its rater was last alive.
 * During a downtime every check fails open.
 *
 * Guarantee: later heartbeats take no room, so they work on a full disk. If the date was set back,
 * the length of a downtime is unknown and never negative.
 * Guarantee: a link in its place is not followed, and a pipe not waited for.
 */
import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import type { Clock } from '../runtime/clock.ts';
import { errnoOf } from '../runtime/errors.ts';

/** How a rater ended: by a signal that it obeyed, or abruptly. */
export type HowEnded = 'stopped' | 'killed';

export type Downtime = {
  /** Wall clock milliseconds of the last heartbeat, right within seconds. */
  readonly sinceMs: number;
  /** Undefined while it goes on. */
  readonly untilMs: number | undefined;
  readonly ended: HowEnded;
};

/** Of equal length, so that one overwrites the other. */
type State = 'running' | 'stopped';

const { O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
const stateBytes = 7;

/** Throws errors of the file system. */
function withFile<T>(path: string, flags: number, work: (descriptor: number) => T): T {
  const descriptor = openSync(path, flags | O_NOFOLLOW | O_NONBLOCK, 0o600);
  try {
    return work(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function stateIn(descriptor: number): string {
  const bytes = Buffer.alloc(stateBytes);
  return bytes.toString('latin1', 0, readSync(descriptor, bytes, 0, stateBytes, 0));
}

/** The length in seconds; undefined when the date was set back meanwhile. */
export function secondsOf({ sinceMs, untilMs }: Downtime, nowMs: number): number | undefined {
  const seconds = Math.round(((untilMs ?? nowMs) - sinceMs) / 1000);
  return seconds >= 0 ? seconds : undefined;
}

/** The file beside this database; undefined when the database is in memory. */
export function heartbeatPath(dbPath: string): string | undefined {
  return dbPath === ':memory:' ? undefined : `${dbPath}.life`;
}

/** The downtime since the last heartbeat; undefined when none is known. */
export function downtimeAt(path: string | undefined): Downtime | undefined {
  try {
    if (path === undefined) return undefined;
    return withFile(path, O_RDONLY, (descriptor) => {
      const stats = fstatSync(descriptor);
      if (!stats.isFile()) return undefined;
      const ended = stateIn(descriptor) === 'stopped' ? 'stopped' : 'killed';
      return { sinceMs: stats.mtimeMs, untilMs: undefined, ended };
    });
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}

export class Heartbeat {
  readonly #path: string | undefined;
  readonly #clock: Clock;
  #hasBegun = false;

  constructor(path: string | undefined, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  /** The first heartbeat; returns the downtime that it ends. Throws errors of the file system. */
  begin(): Downtime | undefined {
    this.#hasBegun = true;
    const downtime = downtimeAt(this.#path);
    this.#write('running');
    return downtime && { ...downtime, untilMs: this.#clock.wallMs() };
  }

  /** Throws errors of the file system. */
  goOn(): void {
    this.#write('running');
  }

  /** Does nothing before `begin`. Throws errors of the file system. */
  stop(): void {
    if (this.#hasBegun) this.#write('stopped');
  }

  #write(state: State): void {
    if (this.#path === undefined) return;
    withFile(this.#path, O_CREAT | O_WRONLY, (descriptor) =>
      writeSync(descriptor, `${state}\n`, 0),
    );
  }
}
