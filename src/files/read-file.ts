/**
 * Reads a whole file without waiting for a writer: a pipe in its place is an empty file or an
 * error. Throws system errors.
 */
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Slow } from '../runtime/work.ts';

const flags = constants.O_RDONLY | constants.O_NONBLOCK;

export function readFile(path: string): Buffer {
  const descriptor = openSync(path, flags);
  try {
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** The same as something slow, for work. */
export function reading(path: string): Slow<Buffer> {
  return { now: () => readFile(path), later: () => readLater(path) };
}

async function readLater(path: string): Promise<Buffer> {
  const file = await open(path, flags);
  try {
    return await file.readFile();
  } finally {
    await file.close();
  }
}
