/** Lines as transports bring them, for tests. */
import { type Line, lineIs, RawLine } from '../../src/wire/raw-line.ts';

/** The line among others, whose digits must not be taken for its own. */
export function rawLine(line: Line): RawLine {
  const own = typeof line === 'string' ? Buffer.from(line) : Buffer.alloc(0);
  const bytes = Buffer.concat([Buffer.from('ip 4.\n7'), own, Buffer.from('7\n')]);
  const [start, end] = [7, 7 + own.length];
  if (typeof line === 'string') {
    const is = own.every((byte) => byte < 128) ? lineIs.ascii : lineIs.otherBytes;
    return Object.assign(new RawLine(), { bytes, start, end, is });
  }
  if (line.is === 'too long') {
    return Object.assign(new RawLine(), { bytes, start, end, is: lineIs.tooLong });
  }
  const is = lineIs.otherBytes;
  return Object.assign(new RawLine(), { bytes: line.bytes, end: line.bytes.length, is });
}
