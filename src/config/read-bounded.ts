/**
 * Reads a small file whole.
 *
 * Guarantee: takes no more memory than `most` bytes ask for, whatever the file is (a device that
 * never ends, a pipe, a file that grows meanwhile).
 */
import { closeSync, openSync, readSync } from 'node:fs';

const chunkBytes = 65_536;

/** The bytes of `path`, or undefined when there are more than `most`. Throws system errors. */
export function readBounded(path: string, most: number): Uint8Array | undefined {
  const fd = openSync(path, 'r');
  try {
    const chunks: Uint8Array[] = [];
    for (let total = 0; total <= most; ) {
      const chunk = new Uint8Array(chunkBytes);
      const count = readSync(fd, chunk);
      if (count === 0) return Buffer.concat(chunks);
      chunks.push(chunk.subarray(0, count));
      total += count;
    }
    return undefined;
  } finally {
    closeSync(fd);
  }
}
