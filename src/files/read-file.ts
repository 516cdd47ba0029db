/**
 * Reads a whole file and waits for nobody: where somebody put a pipe in its place, that is an empty
 * file or an error. Throws system errors.
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

/** The same, while other things are done. */
export async function readFileLater(path: string): Promise<Buffer> {
  const file = await open(path, flags);
  try {
    return await file.readFile();
  } finally {
    await file.close();
  }
}
