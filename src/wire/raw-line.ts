/**
 * A line as it came, where its bytes lie, and its text on demand: what is asked most is answered from
 * the bytes, and no string is made for it.
 *
 * One object serves all lines of a client or a batch, one after another: what it says holds until the
 * next line.
 */
import { isUtf8 } from 'node:buffer';

/** Why a line has no text. */
export type BadLine =
  | { readonly is: 'too long' }
  | { readonly is: 'not UTF-8'; readonly bytes: Buffer };
export type Line = string | BadLine;

/** What a line may be, as src/transport/lines.h numbers it. One that is too long has no bytes. */
export const lineIs = { ascii: 0, otherBytes: 1, tooLong: 2 } as const;

const nothing = Buffer.alloc(0);
const tooLong: BadLine = { is: 'too long' };

export class RawLine {
  bytes = nothing;
  start = 0;
  /** Without the end of the line. */
  end = 0;
  /** One of `lineIs`. */
  is: number = lineIs.ascii;

  /** Lets go of the bytes. */
  forget(): void {
    this.bytes = nothing;
    this.start = 0;
    this.end = 0;
  }

  /** What it says, in memory of its own: a part of a longer string would keep that in memory. */
  get text(): Line {
    const { bytes, start, end, is } = this;
    if (is === lineIs.tooLong) return tooLong;
    if (is === lineIs.ascii) return bytes.toString('latin1', start, end);
    const own = Buffer.from(bytes.subarray(start, end));
    return isUtf8(own) ? own.toString('utf8') : { is: 'not UTF-8', bytes: own };
  }
}
