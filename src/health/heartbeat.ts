/**
 * The sign by which a rater that starts knows how long none was running, and how the last one
 * ended: a file beside the database that says `running` or `stopped`, and was last changed when its
 * rater was last alive. While none is running every check fails open.
 *
 * Guarantee: giving a sign takes no room on the disk, so it works on a full one. A date that was set
 * back makes the length unknown, and never negative.
 * Guarantee: no link is followed and no pipe waited for that stands in its place.
 */
import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import type { Clock } from '../runtime/clock.ts';
import { errnoOf } from '../runtime/errors.ts';

/** How a rater ended: by a signal that it obeyed, or without knowing. */
export type HowEnded = 'stopped' | 'killed';

export type Downtime = {
  /** Wall clock milliseconds of the last heartbeat, right within seconds. */
  readonly sinceMs: number;
  /** Undefined: it goes on. */
  readonly untilMs: number | undefined;
  readonly ended: HowEnded;
};

/** Of one length, so that one is written over the other. */
type State = 'running' | 'stopped';

const { O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
/** The length of a state. */
const stateBytes = 7;

/** Does `work` with the file; throws errors of the file system. */
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

/** How long, or undefined: the date was set back meanwhile. */
export function secondsOf({ sinceMs, untilMs }: Downtime, nowMs: number): number | undefined {
  const seconds = Math.round(((untilMs ?? nowMs) - sinceMs) / 1000);
  return seconds >= 0 ? seconds : undefined;
}

/** Where the sign of the rater with this database is; undefined: it has none on disk. */
export function heartbeatPath(dbPath: string): string | undefined {
  return dbPath === ':memory:' ? undefined : `${dbPath}.life`;
}

/** The absence that goes on since the last sign, or undefined: there never was one. */
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

  /** From now on somebody is running; the absence that this ends. Throws errors of the file system. */
  begin(): Downtime | undefined {
    this.#hasBegun = true;
    const downtime = downtimeAt(this.#path);
    this.#give('running');
    return downtime && { ...downtime, untilMs: this.#clock.wallMs() };
  }

  /** Throws errors of the file system. */
  goOn(): void {
    this.#give('running');
  }

  /** Who never began leaves no sign. Throws errors of the file system. */
  stop(): void {
    if (this.#hasBegun) this.#give('stopped');
  }

  #give(state: State): void {
    if (this.#path === undefined) return;
    withFile(this.#path, O_CREAT | O_WRONLY, (descriptor) =>
      writeSync(descriptor, `${state}\n`, 0),
    );
  }
}
