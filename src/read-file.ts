/**
 * Reads a whole file and waits for nobody: where somebody put a pipe in its place, that is an empty
 * file or an error. Throws system errors.
 */
import { closeSync, constants, openSync, readFileSync } from 'node:fs';

export function readFile(path: string): Buffer {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
