/**
 * Reads a whole file without waiting for a writer: a pipe in its place is an empty file or an
 * error. Throws system errors.
 */
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';

const flags = constants.O_RDONLY | constants.O_NONBLOCK;

export function readFile(path: string): Buffer {
  const descriptor = openSync(path, flags);
  try {
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** The same, without blocking the event loop. */
export async function readFileLater(path: string): Promise<Buffer> {
  const file = await open(path, flags);
  try {
    return await file.readFile();
  } finally {
    await file.close();
  }
}
