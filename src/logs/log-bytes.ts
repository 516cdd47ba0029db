/**
 * The bytes of one log as its programs have written them: plain, or compressed by gzip or zstd, as
 * their first bytes tell and not their name.
 *
 * Guarantee: all that can be read is given before what is wrong is told: that a compressed file ends
 * too early or is damaged, or that a file became shorter while it was read.
 */
import { spawn } from 'node:child_process';
import { type FileHandle, open } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import * as zlib from 'node:zlib';
import { errnoOf, Fault, reasonOf } from '../runtime/errors.ts';

const chunkBytes = 1 << 18;
/** Less of what is compressed at a time: it may become a thousand times as long. */
const compressedBytes = 1 << 15;

const gzipStart = [0x1f, 0x8b];
const zstdStart = [0x28, 0xb5, 0x2f, 0xfd];
const enoughToTell = 8;
const others = [
  { program: 'bzip2', start: [0x42, 0x5a, 0x68] },
  { program: 'xz', start: [0xfd, 0x37, 0x7a, 0x58, 0x5a] },
  { program: 'lz4', start: [0x04, 0x22, 0x4d, 0x18] },
];

export type LogBytes = {
  /** Pieces of the text; each may change after the next one is asked for. Throws an Error midway. */
  readonly chunks: AsyncGenerator<Buffer, void>;
  /** How many bytes of the file have been read, before what is compressed was expanded. */
  readonly bytesRead: () => number;
  readonly close: () => Promise<void>;
};

/** Opens the log with this path, or standard input for `-`. @throws Fault `logInput` */
export async function openLog(path: string): Promise<LogBytes> {
  const file = path === '-' ? undefined : await openFile(path);
  let read = 0;
  const counted = async function* () {
    for await (const chunk of file ? piecesOf(file) : process.stdin) {
      read += chunk.length;
      yield chunk as Buffer;
    }
    if (file) await checkSize(file, read);
  };
  return {
    chunks: expanded(path, counted()),
    bytesRead: () => read,
    close: async () => file?.close(),
  };
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    throw new Fault('logInput', reasonOf(error), error);
  }
}

async function* piecesOf(file: FileHandle): AsyncGenerator<Buffer, void> {
  const buffer = Buffer.allocUnsafe(chunkBytes);
  for (let most = compressedBytes; ; ) {
    const { bytesRead } = await file.read(buffer, 0, most, null);
    if (bytesRead === 0) return;
    const piece = buffer.subarray(0, bytesRead);
    if (most === compressedBytes && !isCompressed(piece)) most = chunkBytes;
    yield piece;
  }
}

/** @throws Error when the file has become shorter than what was read of it. */
async function checkSize(file: FileHandle, read: number): Promise<void> {
  const found = await file.stat();
  if (!found.isFile() || found.size >= read) return;
  throw new Error(
    `it became shorter while it was read: ${found.size} bytes, after ${read} were read`,
  );
}

function begins(bytes: Buffer, start: readonly number[]): boolean {
  return start.every((byte, index) => bytes[index] === byte);
}

/** Of the middle of a compressed file this may be wrong, which only makes its pieces longer. */
function isCompressed(first: Buffer): boolean {
  return begins(first, gzipStart) || begins(first, zstdStart);
}

async function* expanded(
  path: string,
  raw: AsyncGenerator<Buffer, void>,
): AsyncGenerator<Buffer, void> {
  const first = await firstOf(raw);
  const other = others.find(({ start }) => begins(first, start));
  if (other) {
    const how = `${other.program} -dc ${path} | ipthrottle replay -`;
    throw new Fault(
      'logInput',
      `${path}: compressed by ${other.program}, which is not read here: ${how}`,
    );
  }
  const whole = async function* () {
    yield first;
    yield* raw;
  };
  if (begins(first, gzipStart)) yield* through(gunzip(), whole());
  else if (begins(first, zstdStart)) yield* through(unzstd(path), whole());
  else yield* whole();
}

/** A first piece that is long enough to tell what it is, unless all is shorter. */
async function firstOf(raw: AsyncGenerator<Buffer, void>): Promise<Buffer> {
  let first = Buffer.alloc(0);
  while (first.length < enoughToTell) {
    const { value } = await raw.next();
    if (!value) break;
    first = Buffer.concat([first, value]);
  }
  return first;
}

/** What is written into `input` comes out of `output`; `ended` rejects when that went wrong. */
type Expander = {
  readonly input: Writable;
  readonly output: Readable;
  readonly ended: Promise<void>;
};

function endOf(stream: Readable): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.once('end', resolve).once('error', reject);
  });
}

function gunzip(): Expander {
  const stream = zlib.createGunzip({ chunkSize: chunkBytes });
  return { input: stream, output: stream, ended: endOf(stream) };
}

type WithZstd = { createZstdDecompress?(options: zlib.ZlibOptions): zlib.Gunzip };

/** By Node, from 22.15 on, or by the program of that name. */
function unzstd(path: string): Expander {
  const stream = (zlib as WithZstd).createZstdDecompress?.({ chunkSize: chunkBytes });
  if (stream) return { input: stream, output: stream, ended: endOf(stream) };
  const child = spawn('zstd', ['-dcq'], { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('latin1').on('data', (text: string) => {
    said = (said + text).slice(0, 200);
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', (error) => {
      const isMissing = errnoOf(error) === 'ENOENT';
      const why =
        'compressed by zstd, which Node reads from 22.15 on, and there is no program zstd';
      reject(isMissing ? new Fault('logInput', `${path}: ${why}`) : error);
    });
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(said.trim() || `zstd ended with ${code}`));
    });
  });
  return { input: child.stdin, output: child.stdout, ended };
}

/**
 * Everything that comes out is taken at once and never waits in a stream, which would throw it away
 * when it fails.
 */
async function* through(
  { input, output, ended }: Expander,
  chunks: AsyncGenerator<Buffer, void>,
): AsyncGenerator<Buffer, void> {
  let out: Buffer[] = [];
  const take = () => {
    const taken = out;
    out = [];
    return taken;
  };
  output.on('data', (chunk: Buffer) => out.push(chunk));
  const failure = ended.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  let hasEnded = false;
  void failure.then(() => {
    hasEnded = true;
  });
  // Why it fails, `ended` tells.
  input.on('error', () => {});
  try {
    for await (const chunk of chunks) {
      const written = new Promise<void>((resolve) => input.write(chunk, () => resolve()));
      await Promise.race([written, failure]);
      yield* take();
      if (hasEnded) break;
    }
    if (!hasEnded) input.end();
    const failed = await failure;
    yield* take();
    if (failed) throw failed.error;
  } finally {
    input.destroy();
  }
}
