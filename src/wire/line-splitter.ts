/**
 * Bytes to lines of text, with a bound. A line ends with LF or CRLF.
 *
 * Guarantee: once its lines are taken, it keeps at most `longestLine` bytes, however long a line
 * the other side sends; the rest of an overlong line is thrown away, and the line is reported as
 * too long. No text has a character that was not sent: a line that is not UTF-8 is reported.
 */
import { isUtf8 } from 'node:buffer';

/** Bytes in a line without its end. */
export const longestLine = 1000;

const lf = 0x0a;
const cr = 0x0d;

/** Why a line has no text. */
export type BadLine =
  | { readonly is: 'too long' }
  | { readonly is: 'not UTF-8'; readonly bytes: Buffer };
export type Line = string | BadLine;

const tooLong: BadLine = { is: 'too long' };

export class LineSplitter {
  /** The bytes fed; the lines before `#start` have been taken. */
  #chunk: Buffer | undefined;
  #start = 0;
  /** Whether all of the chunk is UTF-8, and so each of its lines. */
  #isSound = false;
  /** The beginning of a line whose end has not come. */
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

  /** Takes bytes; `next` gives their lines. */
  feed(chunk: Buffer): void {
    this.#chunk = this.#chunk ? Buffer.concat([this.#chunk.subarray(this.#start), chunk]) : chunk;
    this.#isSound = isUtf8(this.#chunk);
    this.#start = 0;
  }

  /** The next line; undefined when the bytes fed so far complete no more. */
  next(): Line | undefined {
    const chunk = this.#chunk;
    if (!chunk) return undefined;
    const start = this.#start;
    const end = chunk.indexOf(lf, start);
    if (end < 0) {
      if (start < chunk.length) this.#keep(chunk.subarray(start));
      this.#chunk = undefined;
      return undefined;
    }
    this.#start = end + 1;
    return this.unfinished
      ? this.#finish(chunk.subarray(start, end))
      : this.#lineIn(chunk, start, end, this.#isSound);
  }

  /** Throws away the bytes whose lines have not been taken. */
  drop(): void {
    this.#chunk = undefined;
  }

  /** The lines that `chunk` completes, in order. */
  push(chunk: Buffer): Line[] {
    this.feed(chunk);
    const lines: Line[] = [];
    for (let line = this.next(); line !== undefined; line = this.next()) lines.push(line);
    return lines;
  }

  /** The line that ends with `rest`. */
  #finish(rest: Buffer): Line {
    const whole = this.#kept ? Buffer.concat([this.#kept, rest]) : rest;
    const line = this.#skipping ? tooLong : this.#lineIn(whole, 0, whole.length, false);
    this.#kept = undefined;
    this.#skipping = false;
    return line;
  }

  /** The line from `start` to its LF at `end`; `isSound` when it is known to be UTF-8. */
  #lineIn(bytes: Buffer, start: number, end: number, isSound: boolean): Line {
    const last = end > start && bytes[end - 1] === cr ? end - 1 : end;
    if (last - start > this.#longest) return tooLong;
    if (isSound) return bytes.toString('utf8', start, last);
    const line = bytes.subarray(start, last);
    return isUtf8(line) ? line.toString('utf8') : { is: 'not UTF-8', bytes: line };
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
