/**
 * The replies of a turn as bytes, one behind another. What is replied most is written as bytes, and no
 * string is made for it.
 *
 * Guarantee: the same bytes as those of `replyLine`. While there `hasRoom`, the next reply fits, whatever
 * it says.
 */
import { longestReply, type Reply, replyLine } from './reply.ts';

const zero = 0x30;
const [space, slash, minus, cr, lf] = [0x20, 0x2f, 0x2d, 0x0d, 0x0a];

/** Writes a whole number from 0 to 2^31 - 1 in decimal; returns where it ends. */
function putNumber(bytes: Uint8Array, start: number, value: number): number {
  let end = start + 1;
  for (let next = 10; next <= value; next *= 10) end += 1;
  let left = value;
  for (let at = end - 1; at >= start; at -= 1) {
    const tenths = (left / 10) | 0;
    bytes[at] = zero + left - tenths * 10;
    left = tenths;
  }
  return end;
}

export class Replies {
  readonly bytes: Buffer;
  #length = 0;

  constructor(size: number) {
    this.bytes = Buffer.alloc(size);
  }

  /** Bytes. */
  get length(): number {
    return this.#length;
  }

  /** Until they are cleared. */
  get said(): Buffer {
    return this.bytes.subarray(0, this.#length);
  }

  get hasRoom(): boolean {
    return this.#length + longestReply <= this.bytes.length;
  }

  clear(): void {
    this.#length = 0;
  }

  /** A count and a limit are below 2^31. */
  add(reply: Reply): void {
    if (reply.status !== 0 || reply.secondsLeft !== undefined) {
      this.addLine(replyLine(reply));
      return;
    }
    const { bytes } = this;
    let at = this.#length;
    bytes[at++] = zero;
    bytes[at++] = space;
    at = putNumber(bytes, at, reply.count);
    bytes[at++] = slash;
    if (reply.limit < 0) bytes[at++] = minus;
    else at = putNumber(bytes, at, reply.limit);
    bytes[at++] = cr;
    bytes[at++] = lf;
    this.#length = at;
  }

  /** Adds what `replyLine` has made. */
  addLine(line: string): void {
    this.#length += this.bytes.write(line, this.#length);
  }
}
