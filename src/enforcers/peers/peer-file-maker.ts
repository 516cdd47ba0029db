/**
 * Makes the file of a block in tcpsvd's instructions directory, see peer-file.ts.
 *
 * Guarantee: it refuses from its first instant to its last. A silent one is created with a mode that
 * refuses and tells that it is unfinished; a polite one gets its name when it is complete; a later
 * end, and another mode, replaces it by rename. Somebody else's file stays as it is.
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

/** Undefined where nothing has the name. */
export function statsOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function isDiskFull(error: unknown): boolean {
  return errnoOf(error) === 'ENOSPC' || errnoOf(error) === 'EDQUOT';
}

/**
 * The file itself is the block: on a full disk it does without its text. Says whether it has one; a
 * part of it would look like all of it.
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

/** What became of a file; `isBare`: the disk was too full for a text, so it is silent without one. */
export type Put = {
  readonly imposed: Imposed;
  readonly isOurs: boolean;
  readonly isBare?: boolean;
};

const whole: Put = { imposed: 'in force', isOurs: true };
const bare: Put = { ...whole, isBare: true };

export type PeerFileOptions = {
  readonly directory: string;
  /** What tcpsvd's -t is given; it then ends silent blocks itself. */
  readonly timeoutSeconds: number | undefined;
  /** What a polite refusal says after its code; undefined: refuse in silence. */
  readonly message?: string | undefined;
};

export class PeerFileMaker {
  /** Of files that are as they should be. */
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

  /** Puts the block's file there, unless somebody else's is. */
  put(name: string, block: Block): Put {
    const created = this.#create(name, block) ?? this.#improve(name, block);
    return created ?? this.#create(name, block) ?? { imposed: 'not possible', isOurs: false };
  }

  /** Makes of the file that has the name what it should be, if it is ours; undefined: it is gone. */
  #improve(name: string, block: Block): Put | undefined {
    const stats = statsOf(join(this.#directory, name));
    if (!stats) return undefined;
    if (!isOurs(stats, block)) {
      return { imposed: isDeny(stats) ? 'in force' : 'not possible', isOurs: false };
    }
    if (isComplete(stats, block, this.mode)) return whole;
    return this.#replace(name, block, stats);
  }

  /** Creates the block's file; undefined: the name is taken. */
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

  /** One without text is no better than another; each rename would be a change to look at. */
  #replace(name: string, block: Block, there: Stats): Put {
    const { temporary, put } = this.#prepare(name, block);
    if (put.isBare && isInTime(there, block)) unlinkSync(temporary);
    else renameSync(temporary, join(this.#directory, name));
    return put;
  }

  /** Makes the file, as whole as there is room for, under another name. */
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

  /** What is left when this fails, or dies in between, is replaced or removed as unfinished. */
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
}
