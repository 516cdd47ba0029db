/**
 * Makes the file of a block in tcpsvd's instructions directory, see peer-file.ts.
 *
 * Guarantee: the file refuses from its first instant to its last. A silent file is created with a
 * mode that refuses and marks it as unfinished; a polite file gets its name when it is complete;
 * for a later end or another mode it is replaced by rename. Somebody else's file stays as it is.
 */

import {
  closeSync,
  constants,
  fchmodSync,
  ftruncateSync,
  futimesSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  type Stats,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Block } from '../../core/block.ts';
import { errnoOf } from '../../runtime/errors.ts';
import type { Imposed } from '../enforcer.ts';
import {
  endSecond,
  isComplete,
  isDeny,
  isInTime,
  isOurs,
  peerFileText,
  politeFileText,
  politeMode,
  silentMode,
  unfinishedMode,
} from './peer-file.ts';
import { temporarySuffix } from './read-peer-file.ts';

const { O_CREAT, O_EXCL, O_WRONLY } = constants;

export function statsOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function isDiskFull(error: unknown): boolean {
  return errnoOf(error) === 'ENOSPC' || errnoOf(error) === 'EDQUOT';
}

/**
 * Writes the text; returns false on a full disk. The file then blocks without a text, because part
 * of one could pass for all of it.
 */
function describe(descriptor: number, block: Block): boolean {
  try {
    writeFileSync(descriptor, peerFileText(block));
    return true;
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    ftruncateSync(descriptor);
    return false;
  }
}

function isTaken(error: unknown): boolean {
  return errnoOf(error) === 'EEXIST';
}

/** What became of a file; `isBare`: silent and without a text, because the disk was full. */
export type Put = {
  readonly imposed: Imposed;
  readonly isOurs: boolean;
  readonly isBare?: boolean;
};

const whole: Put = { imposed: 'in force', isOurs: true };
const bare: Put = { ...whole, isBare: true };

export type PeerFileOptions = {
  readonly directory: string;
  /** The argument of tcpsvd's -t, with which tcpsvd itself ends silent blocks. */
  readonly timeoutSeconds: number | undefined;
  /** The text of a polite refusal after its code; undefined to refuse in silence. */
  readonly message?: string | undefined;
};

export class PeerFileMaker {
  /** The mode of complete files. */
  readonly mode: number;
  readonly #directory: string;
  readonly #timeoutSeconds: number | undefined;
  readonly #message: string | undefined;

  constructor({ directory, timeoutSeconds, message }: PeerFileOptions) {
    this.mode = message === undefined ? silentMode : politeMode;
    this.#directory = directory;
    this.#timeoutSeconds = timeoutSeconds;
    this.#message = message;
  }

  /** Puts the block's file in place, unless somebody else's is there. */
  put(name: string, block: Block): Put {
    const created = this.#create(name, block) ?? this.#improve(name, block);
    return created ?? this.#create(name, block) ?? { imposed: 'not possible', isOurs: false };
  }

  /** Completes the file with this name if it is ours; undefined when the file is gone. */
  #improve(name: string, block: Block): Put | undefined {
    const stats = statsOf(join(this.#directory, name));
    if (!stats) return undefined;
    if (!isOurs(stats, block)) {
      return { imposed: isDeny(stats) ? 'in force' : 'not possible', isOurs: false };
    }
    if (isComplete(stats, block, this.mode)) return whole;
    return this.#replace(name, block, stats);
  }

  /** Creates the block's file; undefined when the name is taken. */
  #create(name: string, block: Block): Put | undefined {
    const path = join(this.#directory, name);
    try {
      if (this.#message === undefined) return this.#createSilent(path, block);
      return statsOf(path) ? undefined : this.#linkPrepared(name, block);
    } catch (error) {
      if (isTaken(error)) return undefined;
      throw error;
    }
  }

  #linkPrepared(name: string, block: Block): Put {
    const { temporary, put } = this.#prepare(name, block);
    try {
      linkSync(temporary, join(this.#directory, name));
      return put;
    } finally {
      unlinkSync(temporary);
    }
  }

  /** One bare file is as good as another, and a rename would be noticed as a change. */
  #replace(name: string, block: Block, there: Stats): Put {
    const { temporary, put } = this.#prepare(name, block);
    if (put.isBare && isInTime(there, block)) unlinkSync(temporary);
    else renameSync(temporary, join(this.#directory, name));
    return put;
  }

  /** Makes the file under a temporary name, as complete as the disk has room for. */
  #prepare(name: string, block: Block): { readonly temporary: string; readonly put: Put } {
    const temporary = join(this.#directory, `..${name}${temporarySuffix}`);
    rmSync(temporary, { force: true });
    if (this.#message !== undefined) {
      if (this.#createPolite(temporary, block, this.#message)) return { temporary, put: whole };
      this.#createSilent(temporary, block);
      return { temporary, put: bare };
    }
    return { temporary, put: this.#createSilent(temporary, block) };
  }

  /** If this fails or is killed midway, the rest is later replaced or removed as unfinished. */
  #createSilent(path: string, block: Block): Put {
    const descriptor = openSync(path, O_CREAT | O_EXCL | O_WRONLY, unfinishedMode);
    try {
      const put = describe(descriptor, block) ? whole : bare;
      const end = endSecond(block.untilMs);
      const age = this.#timeoutSeconds;
      futimesSync(descriptor, age === undefined ? end : end - age, end);
      fchmodSync(descriptor, silentMode);
      return put;
    } finally {
      closeSync(descriptor);
    }
  }

  /** False, with nothing left behind, on a full disk, where a block has to be silent. */
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
}
