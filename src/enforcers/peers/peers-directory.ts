/**
 * Blocks in tcpsvd's instructions directory: one file per address, see peer-file.ts and
 * peer-file-maker.ts.
 *
 * Guarantee: only files of ours are touched: unfinished ones, and regular files of exactly mode
 * 0200 or 0555 whose modification time is the end of a block of ours. So a file need not be read,
 * which not even its owner may do with a silent one. The text is for people and for rebuilding a
 * lost store; it is read only if no block explains the file.
 * Guarantee: a file is reported as removed only if it was there and its directory is still the
 * same: nobody who removes or replaces the directory means to lift all blocks.
 */

import { opendirSync, readdirSync, type Stats, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Address } from '../../core/address.ts';
import type { Block } from '../../core/block.ts';
import { DirectoryWatch } from '../../files/directory-watch.ts';
import { birthIfSeen, birthOf } from '../../files/file-identity.ts';
import { Fault, reasonOf } from '../../runtime/errors.ts';
import { realTimers, type Timers } from '../../runtime/timers.ts';
import type { Drift, Enforcer, EntryOwner, Imposed, KnownBlocks, Scope } from '../enforcer.ts';
import {
  addressOfPeerFile,
  blockInPeerFile,
  isCommand,
  isComplete,
  isDeny,
  isOurs,
  isUnfinished,
  mayBeOurs,
  namesFor,
  peerFileName,
} from './peer-file.ts';
import { PeerFileMaker, type PeerFileOptions, statsOf } from './peer-file-maker.ts';
import { readPeerFile, restoreLeftover } from './read-peer-file.ts';

function guard<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof Fault ? error : new Fault('enforcer', reasonOf(error), error);
  }
}

/** Changes when another directory takes the name. */
function directoryBirth(directory: string): string {
  return birthOf(statSync(directory, { bigint: true }));
}

/** Changes when a file is replaced or written. */
function signatureOf({ ino, mode, size, mtimeMs }: Stats): string {
  return `${ino} ${mode} ${size} ${mtimeMs}`;
}

const bareness = 'only as a silent file without text, for want of room';

/** Receives each event in the directory, and the begin and end of trouble with watching it. */
export type PeersListener = {
  onEvent(name: string | null): void;
  onTrouble(error: unknown): void;
  onMended(): void;
};

const nobody: PeersListener = { onEvent() {}, onTrouble() {}, onMended() {} };

export class PeersDirectory implements Enforcer {
  readonly name: string;
  readonly #directory: string;
  readonly #files: PeerFileMaker;
  readonly #watch: DirectoryWatch;
  #onChange: (() => void) | undefined;
  #isWatched = false;
  /** The directory that holds the files of `#placed`. */
  #identity: string | undefined;
  /** The directory at the last look. */
  #lookedAt: string | undefined;
  /** Names at which we last saw a file of ours. */
  readonly #placed = new Set<string>();
  /** Files that look like ours but are not, and their signatures when they were read. */
  #foreign = new Map<string, string>();

  constructor(
    options: PeerFileOptions,
    timers: Timers = realTimers,
    listener: PeersListener = nobody,
  ) {
    this.name = `peers ${options.directory}`;
    this.#directory = options.directory;
    this.#files = new PeerFileMaker(options);
    this.#watch = new DirectoryWatch({
      directory: options.directory,
      onEvent: (name) => listener.onEvent(name),
      onTrouble: (error) => listener.onTrouble(error),
      onMended: () => listener.onMended(),
      onRest: () => this.#onChange?.(),
      timers,
    });
  }

  impose(block: Block): Imposed {
    const name = peerFileName(block.address);
    if (name === undefined) return 'not possible';
    return guard(() => {
      this.#identity ??= directoryBirth(this.#directory);
      this.#placed.delete(name);
      const { imposed, isOurs: isPlaced, isBare } = this.#files.put(name, block);
      if (isPlaced) this.#placed.add(name);
      if (isBare) throw new Fault('enforcer', `${bareness} in ${this.#directory}`);
      return imposed;
    });
  }

  canRefuse(address: Address): boolean {
    return peerFileName(address) !== undefined;
  }

  lift(block: Block): boolean {
    const name = peerFileName(block.address);
    if (name === undefined) return false;
    return guard(() => {
      const path = join(this.#directory, name);
      const stats = statsOf(path);
      const isFound = stats !== undefined && isOurs(stats, block);
      if (isFound) unlinkSync(path);
      this.#placed.delete(name);
      return isFound;
    });
  }

  entryOwner(address: Address, block: Block | undefined): EntryOwner {
    try {
      return this.#entryOwner(address, block);
    } catch {
      return 'unknown';
    }
  }

  #entryOwner(address: Address, block: Block | undefined): EntryOwner {
    for (const name of namesFor(address)) {
      const stats = statsOf(join(this.#directory, name));
      if (!stats) continue;
      if (block && name === peerFileName(block.address) && isOurs(stats, block)) return 'ours';
      if (isCommand(stats)) return 'unknown';
      return isDeny(stats) ? 'theirs' : 'absent';
    }
    return 'absent';
  }

  reconcile(blocks: readonly Block[]): void {
    let trouble: unknown;
    guard(() => this.#settleIn(directoryBirth(this.#directory)));
    this.#removeLeftovers();
    for (const block of blocks) {
      try {
        if (!this.#isThere(block)) this.impose(block);
      } catch (error) {
        trouble ??= error;
      }
    }
    if (trouble) throw trouble;
  }

  /** Whether changes are being followed. */
  get isWatching(): boolean {
    return this.#watch.isArmed;
  }

  watch(onChange?: () => void): void {
    this.#onChange ??= onChange;
    this.#isWatched = true;
    if (!this.#watch.isArmed) this.#watch.arm();
  }

  /** Has all be inspected when another directory has the name, or none. */
  look(): void {
    const birth = birthIfSeen(this.#directory);
    if (!this.#isWatched || birth === this.#lookedAt) return;
    this.#lookedAt = birth;
    if (birth !== this.#identity) this.#watch.note(null);
  }

  close(): void {
    this.#isWatched = false;
    this.#watch.close();
  }

  *inspect(blocks: KnownBlocks, scope: Scope): Generator<Drift | undefined, void> {
    try {
      if (scope === 'orphans') {
        this.#removeLeftovers();
        yield* this.#lookForOrphans(blocks);
        return;
      }
      const names = this.#watch.take();
      let isReplaced = this.#isReplaced();
      if (scope === 'changed' && names && !isReplaced) {
        for (const name of names) yield this.#lookAtName(name, blocks);
        isReplaced = this.#isReplaced();
        if (!isReplaced) return;
      }
      do {
        if (isReplaced) yield this.#moveIn();
        yield* this.#lookForOrphans(blocks);
        yield* this.#lookAtBlocks(blocks);
        isReplaced = this.#isReplaced();
      } while (isReplaced);
    } catch (error) {
      throw error instanceof Fault ? error : new Fault('enforcer', reasonOf(error), error);
    }
  }

  /** Inspects the files that no block explains. */
  *#lookForOrphans(blocks: KnownBlocks): Generator<Drift | undefined, void> {
    const before = this.#foreign;
    this.#foreign = new Map();
    const entries = opendirSync(this.#directory, { encoding: 'latin1', bufferSize: 128 });
    try {
      for (let entry = entries.readSync(); entry; entry = entries.readSync()) {
        const { name } = entry;
        // A block's file is inspected with its block.
        if (blocks.has(name)) yield undefined;
        else if (!restoreLeftover(this.#directory, name)) {
          const address = addressOfPeerFile(name);
          const isKnown = !address || blocks.get(address) !== undefined;
          yield isKnown ? undefined : this.#lookAtOrphan(name, address, before);
        }
      }
    } finally {
      entries.closeSync();
    }
  }

  *#lookAtBlocks(blocks: KnownBlocks): Generator<Drift | undefined, void> {
    for (const block of blocks.values()) {
      const name = peerFileName(block.address);
      if (name !== undefined) yield this.#lookAtBlock(name, block);
    }
  }

  #lookAtName(name: string, blocks: KnownBlocks): Drift | undefined {
    const address = addressOfPeerFile(name);
    if (!address) return undefined;
    const block = blocks.get(address);
    return block
      ? this.#lookAtBlock(name, block)
      : this.#lookAtOrphan(name, address, this.#foreign);
  }

  #lookAtBlock(name: string, block: Block): Drift | undefined {
    const stats = statsOf(join(this.#directory, name));
    if (stats && isOurs(stats, block)) {
      this.#placed.add(name);
      return isComplete(stats, block, this.#files.mode) ? undefined : { kind: 'missing', block };
    }
    const wasPlaced = this.#placed.delete(name);
    // The admin's own file has its name.
    if (stats) return undefined;
    return { kind: wasPlaced && !this.#isReplaced() ? 'removed' : 'missing', block };
  }

  #lookAtOrphan(
    name: string,
    address: Address,
    foreign: ReadonlyMap<string, string>,
  ): Drift | undefined {
    const stats = statsOf(join(this.#directory, name));
    const uid = process.geteuid?.() ?? -1;
    if (stats?.uid === uid && isUnfinished(stats)) unlinkSync(join(this.#directory, name));
    if (!stats || !mayBeOurs(stats, uid)) return undefined;
    const signature = signatureOf(stats);
    if (foreign.get(name) !== signature) {
      const text = readPeerFile(this.#directory, name, stats);
      const block = text === undefined ? undefined : blockInPeerFile(text);
      if (block?.address.text === address.text && isOurs(stats, block)) {
        return { kind: 'orphan', block };
      }
    }
    this.#foreign.set(name, signature);
    return undefined;
  }

  #isReplaced(): boolean {
    return directoryBirth(this.#directory) !== this.#identity;
  }

  /** Adopts the current directory; reports it if it replaced another. */
  #moveIn(): Drift | undefined {
    const isFirst = this.#identity === undefined;
    this.#settleIn(directoryBirth(this.#directory));
    return isFirst ? undefined : { kind: 'replaced', what: this.#directory };
  }

  #settleIn(identity: string): void {
    if (identity === this.#identity) return;
    this.#identity = identity;
    this.#placed.clear();
    if (this.#isWatched) this.#watch.arm();
  }

  /** Whether the block's file is there and complete; at a start nearly all are. */
  #isThere(block: Block): boolean {
    const name = peerFileName(block.address);
    const stats = name === undefined ? undefined : statsOf(join(this.#directory, name));
    if (name === undefined || !stats) return false;
    if (!isOurs(stats, block) || !isComplete(stats, block, this.#files.mode)) return false;
    this.#placed.add(name);
    return true;
  }

  #removeLeftovers(): void {
    guard(() => {
      for (const name of readdirSync(this.#directory)) restoreLeftover(this.#directory, name);
    });
  }
}
