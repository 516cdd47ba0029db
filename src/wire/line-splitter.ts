/**
 * Bytes to lines of text, with a bound. A line ends with LF or CRLF.
 *
 * Guarantee: once its lines are taken, it keeps at most `longestLine` bytes, however long a line
 * the other side sends; the rest of an overlong line is thrown away, and the line is reported as
 * too long. No text has a character that was not sent: a line that is not UTF-8 is reported.
 */
import { isAscii } from 'node:buffer';
import { type Line, lineIs, RawLine } from './raw-line.ts';

/** Bytes in a line without its end. */
export const longestLine = 1000;

const lf = 0x0a;
const cr = 0x0d;

export class LineSplitter {
  /** The bytes fed; the lines before `#start` have been taken. */
  #chunk: Buffer | undefined;
  #start = 0;
  /** Whether all of the chunk is ASCII, and so each of its lines. */
  #isAscii = false;
  /** The beginning of a line whose end has not come. */
  #kept: Buffer | undefined;
  #skipping = false;
  readonly #line = new RawLine();
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
    this.#isAscii = isAscii(this.#chunk);
    this.#start = 0;
  }

  /** The next line, until the one after it; undefined when the bytes fed so far complete no more. */
  next(): RawLine | undefined {
    const chunk = this.#chunk;
    this.#line.forget();
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
      : this.#lineIn(chunk, start, end, this.#isAscii);
  }

  /** Throws away the bytes whose lines have not been taken. */
  drop(): void {
    this.#chunk = undefined;
  }

  /** The lines that `chunk` completes, in order. */
  push(chunk: Buffer): Line[] {
    this.feed(chunk);
    const lines: Line[] = [];
    for (let line = this.next(); line !== undefined; line = this.next()) lines.push(line.text);
    return lines;
  }

  /** The line that ends with `rest`. */
  #finish(rest: Buffer): RawLine {
    const whole = this.#kept ? Buffer.concat([this.#kept, rest]) : rest;
    const line = this.#skipping ? this.#tooLong() : this.#lineIn(whole, 0, whole.length, false);
    this.#kept = undefined;
    this.#skipping = false;
    return line;
  }

  /** The line from `start` to its LF at `end`; `isAscii` when it is known to be that. */
  #lineIn(bytes: Buffer, start: number, end: number, isAscii: boolean): RawLine {
    const last = end > start && bytes[end - 1] === cr ? end - 1 : end;
    if (last - start > this.#longest) return this.#tooLong();
    const is = isAscii ? lineIs.ascii : lineIs.otherBytes;
    return Object.assign(this.#line, { bytes, start, end: last, is });
  }

  #tooLong(): RawLine {
    return Object.assign(this.#line, { is: lineIs.tooLong });
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
