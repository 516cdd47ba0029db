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

  /** The lines that `chunk` completes, in order. */
  push(chunk: Buffer): Line[] {
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(lf); end >= 0; end = chunk.indexOf(lf, start)) {
      lines.push(this.#finish(chunk.subarray(start, end)));
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
    return lines;
  }

  #finish(rest: Buffer): Line {
    const whole = this.#kept ? Buffer.concat([this.#kept, rest]) : rest;
    const tooLong = this.#skipping;
    this.#kept = undefined;
    this.#skipping = false;
    const line = whole.at(-1) === cr ? whole.subarray(0, -1) : whole;
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
