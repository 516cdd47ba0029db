/**
 * Blocks in tcpsvd's instructions directory: one file per address, mode 0200, which tcpsvd takes
 * for "close the connection" and never reads.
 *
 * Guarantee: a file of ours is a deny from its first instant (created O_EXCL with its final mode)
 * to its last; a later end replaces it by rename.
 * Guarantee: only files of ours are touched. Ours is a regular file of exactly mode 0200 whose
 * modification time is the end of a block of ours, which is how it can be told without reading a
 * file that even its owner may not read. Its text is for people and for rebuilding a lost store.
 */
import {
  closeSync,
  constants,
  futimesSync,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  type Stats,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Address, networkOf, parseNetwork } from '../core/address.ts';
import { errnoOf, Fault, reasonOf } from '../errors.ts';
import type { Block } from '../store/store.ts';
import type { Enforcer, Imposed, Standing } from './enforcer.ts';

const denyMode = 0o200;
const permissionBits = 0o7777;

const { O_CREAT, O_EXCL, O_WRONLY } = constants;
const temporarySuffix = '.ipthrottle';
/** How long after its block's start a file can be that was left unfinished. */
const unfinishedMs = 5000;

/** The whole second at which a block is over: tcpsvd compares whole seconds. */
function endSecond(untilMs: number): number {
  return Math.ceil(untilMs / 1000);
}

function guard<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof Fault ? error : new Fault('enforcer', reasonOf(error), error);
  }
}

function statsOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/**
 * The name of the file that denies `address`: a.b.c.d, or fewer octets for /24, /16 and /8.
 * Undefined for what tcpsvd cannot express: IPv6, other prefixes.
 */
export function peerFileName(address: Address): string | undefined {
  if (address.family !== 4 || address.prefixLength % 8 !== 0 || address.prefixLength === 0) {
    return undefined;
  }
  return address.octets.slice(0, address.prefixLength / 8).join('.');
}

/** The address or network that a peer file's name stands for, or undefined. */
export function addressOfPeerFile(name: string): Address | undefined {
  const octets = name.split('.');
  if (octets.length > 4) return undefined;
  const padded = [...octets, ...Array<string>(4 - octets.length).fill('0')].join('.');
  const address = parseNetwork(`${padded}/${octets.length * 8}`);
  return address && peerFileName(address) === name ? address : undefined;
}

/** What the file says; one `name value` a line. */
export function peerFileText(block: Block): string {
  return [
    'ipthrottle block',
    `address ${block.address.text}`,
    `class ${block.class}`,
    `rate ${block.count}/${block.limit} in ${block.seconds}`,
    `since ${new Date(block.sinceMs).toISOString()}`,
    `until ${new Date(block.untilMs).toISOString()}`,
    `times ${block.times}`,
    `source ${block.source}`,
    '',
  ].join('\n');
}

/** The file itself is the block: on a full disk it does without its text. */
function describe(descriptor: number, block: Block): void {
  try {
    writeSync(descriptor, peerFileText(block));
  } catch (error) {
    if (errnoOf(error) !== 'ENOSPC' && errnoOf(error) !== 'EDQUOT') throw error;
  }
}

function isDeny(stats: Stats): boolean {
  return stats.isFile() && (stats.mode & 0o500) === 0;
}

/** Ours and complete; or created just when the block was, by a process that died before the end. */
function isOurs(stats: Stats, block: Block): boolean {
  if (!stats.isFile() || (stats.mode & permissionBits) !== denyMode) return false;
  const second = Math.round(stats.mtimeMs / 1000);
  return (
    second === endSecond(block.untilMs) ||
    (block.replacedUntilMs > 0 && second === endSecond(block.replacedUntilMs)) ||
    Math.abs(stats.mtimeMs - block.sinceMs) < unfinishedMs
  );
}

function isComplete(stats: Stats, block: Block): boolean {
  return Math.round(stats.mtimeMs / 1000) === endSecond(block.untilMs);
}

export type PeersDirectoryOptions = {
  readonly directory: string;
  /** What tcpsvd's -t is given; it then ends blocks itself. */
  readonly timeoutSeconds: number | undefined;
};

export class PeersDirectory implements Enforcer {
  readonly name: string;
  readonly #directory: string;
  readonly #timeoutSeconds: number | undefined;

  constructor(options: PeersDirectoryOptions) {
    this.name = `peers ${options.directory}`;
    this.#directory = options.directory;
    this.#timeoutSeconds = options.timeoutSeconds;
  }

  impose(block: Block): Imposed {
    const name = peerFileName(block.address);
    if (name === undefined) return 'not possible';
    return guard(() => {
      const path = join(this.#directory, name);
      if (this.#create(path, block)) return 'in force';
      const stats = statsOf(path);
      if (!stats) return this.#create(path, block) ? 'in force' : 'not possible';
      if (!isOurs(stats, block)) return isDeny(stats) ? 'in force' : 'not possible';
      if (!isComplete(stats, block)) this.#replace(name, block);
      return 'in force';
    });
  }

  lift(block: Block): boolean {
    const name = peerFileName(block.address);
    if (name === undefined) return false;
    return guard(() => {
      const path = join(this.#directory, name);
      const stats = statsOf(path);
      if (!stats || !isOurs(stats, block)) return false;
      unlinkSync(path);
      return true;
    });
  }

  standing(address: Address, block: Block | undefined): Standing {
    for (let length = address.prefixLength; length >= 8; length -= length % 8 || 8) {
      const network = networkOf(address, length);
      const name = peerFileName(network);
      const stats = name === undefined ? undefined : statsOf(join(this.#directory, name));
      if (!stats) continue;
      if (!isDeny(stats)) return 'absent';
      return block?.address.text === network.text && isOurs(stats, block) ? 'ours' : 'theirs';
    }
    return 'absent';
  }

  reconcile(blocks: readonly Block[]): void {
    let trouble: unknown;
    this.#removeTemporaryFiles();
    for (const block of blocks) {
      try {
        this.impose(block);
      } catch (error) {
        trouble ??= error;
      }
    }
    if (trouble) throw trouble;
  }

  trouble(): undefined {}

  watch(): void {}

  flush(): void {}

  close(): void {}

  /** Creates the whole file, or says that the name is taken. */
  #create(path: string, block: Block): boolean {
    let descriptor: number;
    try {
      descriptor = openSync(path, O_CREAT | O_EXCL | O_WRONLY, denyMode);
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return false;
      throw error;
    }
    try {
      describe(descriptor, block);
      const end = endSecond(block.untilMs);
      const age = this.#timeoutSeconds;
      futimesSync(descriptor, age === undefined ? end : end - age, end);
    } finally {
      closeSync(descriptor);
    }
    return true;
  }

  #replace(name: string, block: Block): void {
    const temporary = join(this.#directory, `..${name}${temporarySuffix}`);
    rmSync(temporary, { force: true });
    this.#create(temporary, block);
    renameSync(temporary, join(this.#directory, name));
  }

  #removeTemporaryFiles(): void {
    guard(() => {
      for (const name of readdirSync(this.#directory)) {
        if (!name.startsWith('..') || !name.endsWith(temporarySuffix)) continue;
        unlinkSync(join(this.#directory, name));
      }
    });
  }
}
