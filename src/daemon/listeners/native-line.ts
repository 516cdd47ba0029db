/** A line of the native transport, from its bytes and from what the transport says of it. */
import { isUtf8 } from 'node:buffer';
import type { Line } from '../../wire/line-splitter.ts';
import { lineIs } from './native-transport.ts';

/** A string of its own: a part of a longer one would keep that in memory. */
export function lineAt(bytes: Buffer, is: number, start: number, end: number): Line {
  if (is === lineIs.ascii) return bytes.toString('latin1', start, end);
  if (is === lineIs.tooLong) return { is: 'too long' };
  const own = Buffer.from(bytes.subarray(start, end));
  return isUtf8(own) ? own.toString('utf8') : { is: 'not UTF-8', bytes: own };
}
