/**
 * Bytes to lines, with a bound. A line ends with LF or CRLF.
 *
 * Guarantee: it keeps at most `longestLine` bytes, however long a line the other side sends; the
 * rest of an over-long line is thrown away up to its end, and the line is reported as too long.
 */

/** Bytes in a line without its end. */
export const longestLine = 1000;

const lf = 0x0a;
const cr = 0x0d;

/** A line's bytes, or why there is none. */
export type Line = Buffer | 'too long';

export class LineSplitter {
  /** What was fed, of which the lines before `#start` are taken. */
  #chunk: Buffer | undefined;
  #start = 0;
  /** The begin of a line whose end has not come. */
  #kept: Buffer | undefined;
  #skipping = false;
  readonly #longest: number;

  constructor(longest = longestLine) {
    this.#longest = longest;
  }

  /** Whether a line has begun and not ended. */
  get unfinished(): boolean {
    return this.#kept !== undefined || this.#skipping;
  }

  /** Takes bytes, whose lines `next` gives. */
  feed(chunk: Buffer): void {
    this.#chunk = this.#chunk ? Buffer.concat([this.#chunk.subarray(this.#start), chunk]) : chunk;
    this.#start = 0;
  }

  /** The next line; undefined when the bytes that are there complete no more. */
  next(): Line | undefined {
    const chunk = this.#chunk;
    if (!chunk) return undefined;
    const start = this.#start;
    const end = chunk.indexOf(lf, start);
    if (end >= 0) {
      this.#start = end + 1;
      return this.#finish(chunk.subarray(start, end));
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
    this.#chunk = undefined;
    return undefined;
  }

  /** The lines that `chunk` completes, in order. */
  push(chunk: Buffer): Line[] {
    this.feed(chunk);
    const lines: Line[] = [];
    for (let line = this.next(); line !== undefined; line = this.next()) lines.push(line);
    return lines;
  }

  #finish(rest: Buffer): Line {
    const whole = this.#kept ? Buffer.concat([this.#kept, rest]) : rest;
    const tooLong = this.#skipping;
    this.#kept = undefined;
    this.#skipping = false;
    const line = whole[whole.length - 1] === cr ? whole.subarray(0, -1) : whole;
    return tooLong || line.length > this.#longest ? 'too long' : line;
  }

  #keep(rest: Buffer): void {
    if (this.#skipping) return;
    const size = (this.#kept?.length ?? 0) + rest.length;
    if (size > this.#longest + 1) {
      this.#kept = undefined;
      this.#skipping = true;
      return;
    }
    this.#kept = this.#kept ? Buffer.concat([this.#kept, rest]) : Buffer.from(rest);
  }
}
