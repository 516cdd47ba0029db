/**
 * Blocks in tcpsvd's instructions directory: one file per address, see peer-file.ts.
 *
 * Guarantee: a file of ours refuses from its first instant to its last. A silent one is created
 * O_EXCL with its final mode; a polite one gets its name when it is complete; a later end, and
 * another mode, replaces it by rename.
 * Guarantee: only files of ours are touched. Ours is a regular file of exactly mode 0200 or 0555
 * whose modification time is the end of a block of ours, which is how it can be told without reading
 * a file that even its owner may not read. Its text is for people and for rebuilding a lost store.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  futimesSync,
  linkSync,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  type Stats,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Address, networkOf } from '../core/address.ts';
import { errnoOf, Fault, reasonOf } from '../errors.ts';
import type { Block } from '../store/store.ts';
import type { Enforcer, Imposed, Standing } from './enforcer.ts';
import {
  endSecond,
  isCommand,
  isComplete,
  isDeny,
  isOurs,
  peerFileName,
  peerFileText,
  politeFileText,
  politeMode,
  silentMode,
} from './peer-file.ts';

const { O_CREAT, O_EXCL, O_WRONLY } = constants;
const temporarySuffix = '.ipthrottle';
/** Of a polite file until it is complete. */
const unfinishedMode = 0o200;

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

function isDiskFull(error: unknown): boolean {
  return errnoOf(error) === 'ENOSPC' || errnoOf(error) === 'EDQUOT';
}

/** The file itself is the block: on a full disk it does without its text. */
function describe(descriptor: number, block: Block): void {
  try {
    writeFileSync(descriptor, peerFileText(block));
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
}

function isTaken(error: unknown): boolean {
  return errnoOf(error) === 'EEXIST';
}

export type PeersDirectoryOptions = {
  readonly directory: string;
  /** What tcpsvd's -t is given; it then ends silent blocks itself. */
  readonly timeoutSeconds: number | undefined;
  /** What a polite refusal says after its code; undefined: refuse in silence. */
  readonly message?: string | undefined;
};

export class PeersDirectory implements Enforcer {
  readonly name: string;
  readonly #directory: string;
  readonly #timeoutSeconds: number | undefined;
  readonly #message: string | undefined;

  constructor(options: PeersDirectoryOptions) {
    this.name = `peers ${options.directory}`;
    this.#directory = options.directory;
    this.#timeoutSeconds = options.timeoutSeconds;
    this.#message = options.message;
  }

  impose(block: Block): Imposed {
    const name = peerFileName(block.address);
    if (name === undefined) return 'not possible';
    return guard(() => {
      const path = join(this.#directory, name);
      if (this.#create(name, block)) return 'in force';
      const stats = statsOf(path);
      if (!stats) return this.#create(name, block) ? 'in force' : 'not possible';
      if (!isOurs(stats, block)) return isDeny(stats) ? 'in force' : 'not possible';
      if (!isComplete(stats, block, this.#mode())) this.#replace(name, block);
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
      if (block?.address.text === network.text && isOurs(stats, block)) return 'ours';
      if (isCommand(stats)) return 'unknown';
      return isDeny(stats) ? 'theirs' : 'absent';
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

  #mode(): number {
    return this.#message === undefined ? silentMode : politeMode;
  }

  /** Creates the block's file, or says that the name is taken. */
  #create(name: string, block: Block): boolean {
    const path = join(this.#directory, name);
    if (this.#message === undefined) return this.#createSilent(path, block);
    if (statsOf(path)) return false;
    const temporary = this.#prepare(name, block);
    try {
      linkSync(temporary, path);
      return true;
    } catch (error) {
      if (isTaken(error)) return false;
      throw error;
    } finally {
      unlinkSync(temporary);
    }
  }

  #replace(name: string, block: Block): void {
    renameSync(this.#prepare(name, block), join(this.#directory, name));
  }

  /** Makes the whole file under another name, which it returns. */
  #prepare(name: string, block: Block): string {
    const temporary = join(this.#directory, `..${name}${temporarySuffix}`);
    rmSync(temporary, { force: true });
    if (this.#message !== undefined && this.#createPolite(temporary, block, this.#message)) {
      return temporary;
    }
    this.#createSilent(temporary, block);
    return temporary;
  }

  #createSilent(path: string, block: Block): boolean {
    let descriptor: number;
    try {
      descriptor = openSync(path, O_CREAT | O_EXCL | O_WRONLY, silentMode);
    } catch (error) {
      if (isTaken(error)) return false;
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

  /** False, and nothing left of it, on a full disk: there a block has to be silent. */
  #createPolite(temporary: string, block: Block, message: string): boolean {
    const descriptor = openSync(temporary, O_CREAT | O_EXCL | O_WRONLY, unfinishedMode);
    try {
      writeFileSync(descriptor, politeFileText(block, message));
      fchmodSync(descriptor, politeMode);
      const end = endSecond(block.untilMs);
      futimesSync(descriptor, end, end);
      return true;
    } catch (error) {
      unlinkSync(temporary);
      if (isDiskFull(error)) return false;
      throw error;
    } finally {
      closeSync(descriptor);
    }
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
