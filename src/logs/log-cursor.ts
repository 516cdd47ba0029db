/**
 * Goes through one log from connection to connection: a file, or the files of a rotated set one after
 * the other. The lines in a piece of it are read without waiting; `fill` waits for the next piece.
 *
 * Guarantee: it keeps one piece, and at most `longestLine` bytes of a line that goes on in the next, or
 * in the next file: svlogd rotates in the middle of a line.
 */
import type { Value } from '../core/value.ts';
import { Fault, reasonOf } from '../runtime/errors.ts';
import { type LogBytes, openLog } from './log-bytes.ts';
import { LogLineReader } from './log-line.ts';
import type { LogTally } from './log-tally.ts';
import type { StampRules } from './stamps.ts';

/** Called for a file that ended before its end. */
export type OnTrouble = (file: string, what: string) => void;

const longestLine = 1 << 16;
const lf = 0x0a;
const nothing: Buffer = Buffer.alloc(0);

export class LogCursor {
  /** The line that it is at, from 1. */
  line = 0;
  readonly #paths: readonly string[];
  readonly #reader: LogLineReader;
  readonly #tally: LogTally;
  readonly #onTrouble: OnTrouble;
  #place = -1;
  #bytes: LogBytes | undefined;
  #bytesBefore = 0;
  #chunk = nothing;
  #at = 0;
  /** What comes behind the chunk without waiting: the chunk may be the line across two pieces. */
  #after = nothing;
  #isSkipping = false;

  constructor(paths: readonly string[], rules: StampRules, tally: LogTally, onTrouble: OnTrouble) {
    this.#paths = paths;
    this.#reader = new LogLineReader(rules);
    this.#tally = tally;
    this.#onTrouble = onTrouble;
  }

  /** The path of the file that it is in. */
  get file(): string {
    return this.#paths[Math.max(0, this.#place)] as string;
  }

  /** Of the connection that it is at: when, as which class if the line says so, and who. */
  get atMs(): number {
    return this.#reader.atMs;
  }

  get class(): string {
    return this.#reader.class;
  }

  get value(): Value {
    return this.#reader.value;
  }

  get bytesRead(): number {
    return this.#bytesBefore + (this.#bytes?.bytesRead() ?? 0);
  }

  /** Goes to the next connection; false when there is none in what is read so far. */
  next(): boolean {
    const { counts } = this.#tally;
    for (;;) {
      const [chunk, start] = [this.#chunk, this.#at];
      const end = chunk.indexOf(lf, start);
      if (end < 0) {
        if (this.#after.length === 0) return false;
        [this.#chunk, this.#at, this.#after] = [this.#after, 0, nothing];
        continue;
      }
      this.#at = end + 1;
      this.line += 1;
      const kind = this.#reader.read(chunk, start, end);
      if (kind === 'connection') {
        counts.connection += 1;
        return true;
      }
      this.#tally.leaveOut(kind, this.file, this.line, chunk, start, end);
    }
  }

  /** Waits for more; false at the end. @throws Fault `logInput` when its first file cannot be opened. */
  async fill(): Promise<boolean> {
    let rest: Buffer = Buffer.from(this.#chunk.subarray(this.#at));
    [this.#chunk, this.#at] = [nothing, 0];
    if (rest.length > longestLine) rest = this.#skip(rest);
    const next = await this.#nextChunk();
    if (!next) {
      if (rest.length > 0) this.#leaveUnfinished(rest);
      this.#isSkipping = false;
      return false;
    }
    const end = next.indexOf(lf);
    if (this.#isSkipping) {
      if (end < 0) return true;
      this.#isSkipping = false;
      [this.#chunk, this.#at] = [next, end + 1];
    } else if (rest.length === 0) {
      this.#chunk = next;
    } else {
      const head = end < 0 ? next : next.subarray(0, end + 1);
      this.#chunk = Buffer.concat([rest, head]);
      this.#after = next.subarray(head.length);
    }
    return true;
  }

  async close(): Promise<void> {
    this.#bytesBefore = this.bytesRead;
    await this.#bytes?.chunks.return();
    await this.#bytes?.close();
    this.#bytes = undefined;
  }

  /** The next piece of this or of the next file; undefined behind the last one. */
  async #nextChunk(): Promise<Buffer | undefined> {
    for (;;) {
      const { value } = (await this.#tried(() => this.#bytes?.chunks.next())) ?? {};
      if (value) return value;
      await this.close();
      if (this.#place + 1 >= this.#paths.length) return undefined;
      this.#place += 1;
      this.line = 0;
      const open = () => openLog(this.file);
      this.#bytes = this.#place === 0 ? await open() : await this.#tried(open);
    }
  }

  /** What is wrong with one file ends it, and the next one is read. */
  async #tried<T>(work: () => Promise<T> | undefined): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      const after = ` after ${this.bytesRead - this.#bytesBefore} bytes; ${this.line} lines of it were read`;
      const what = error instanceof Fault ? error.message : reasonOf(error) + after;
      this.#onTrouble(this.file, what);
      return undefined;
    }
  }

  /** Counts a line that is too long, and has the rest of it thrown away. */
  #skip(rest: Buffer): Buffer {
    this.#leaveUnfinished(rest);
    this.#isSkipping = true;
    return nothing;
  }

  /** A last line that has no end may lack half of an address. */
  #leaveUnfinished(rest: Buffer): void {
    this.line += 1;
    this.#tally.leaveOut('unknown', this.file, this.line, rest, 0, rest.length);
  }
}
