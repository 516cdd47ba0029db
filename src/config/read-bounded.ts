/**
 * Reads a small file whole.
 *
 * Guarantee: takes no more memory than `maxBytes` need, whatever the file is (an endless device, a
 * pipe, a file that grows meanwhile).
 */
import { closeSync, openSync, readSync } from 'node:fs';

const chunkBytes = 65_536;

/** The bytes of `path`; undefined when there are more than `maxBytes`. Throws system errors. */
export function readBounded(path: string, maxBytes: number): Uint8Array | undefined {
  const fd = openSync(path, 'r');
  try {
    const chunks: Uint8Array[] = [];
    for (let total = 0; total <= maxBytes; ) {
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
