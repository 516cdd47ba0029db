/**
 * Blocks for tcpsvd -x: the peers directory, ours and the admin's files, compiled to a cdb, which
 * rebuilt-cdb.ts replaces. The directory stays authoritative, and serves tcpsvd -i all the same.
 *
 * `impose` answers `pending` until a rebuild has landed; the daemon refuses the client meanwhile.
 *
 * The data of our own files is remembered until they change, because reading 100 000 files takes
 * half a second in which the daemon would answer nobody.
 */

import type { Address } from '../../core/address.ts';
import type { Block } from '../../core/block.ts';
import { readFile } from '../../files/read-file.ts';
import { realTimers, type Timers } from '../../runtime/timers.ts';
import { findFirstInCdb } from '../cdb/cdb.ts';
import { RebuiltCdb } from '../cdb/rebuilt-cdb.ts';
import type {
  Drift,
  Enforcer,
  EntryOwner,
  Imposed,
  KnownBlocks,
  Rebuild,
  Scope,
} from '../enforcer.ts';
import type { EnforcerListener } from '../enforcer-events.ts';
import { compilePeers, peerData } from './compile-peers.ts';
import { namesFor, peerFileName } from './peer-file.ts';
import type { PeerFileOptions } from './peer-file-maker.ts';
import { PeersDirectory } from './peers-directory.ts';

export type PeersCdbOptions = PeerFileOptions & {
  /** The file that tcpsvd -x reads, outside the directory. */
  readonly cdb: string;
};

export class PeersCdb implements Enforcer {
  readonly name: string;
  readonly #options: PeersCdbOptions;
  readonly #directory: PeersDirectory;
  readonly #cdb: RebuiltCdb;
  /** The data of blocks' files that have not changed since they were last compiled. */
  readonly #known = new Map<string, Uint8Array>();

  constructor(options: PeersCdbOptions, listener: EnforcerListener, timers: Timers = realTimers) {
    this.name = `peers ${options.directory} in ${options.cdb}`;
    this.#options = options;
    this.#directory = new PeersDirectory(options, timers, {
      onEvent: (name) => this.#noteChange(name),
      onTrouble: (error) => this.#cdb.cannotWatch(error),
      onMended: () => listener('watchesAgain', options.directory),
    });
    this.#cdb = new RebuiltCdb({
      path: options.cdb,
      sources: [options.directory],
      compile: () => compilePeers(options.directory, (name) => this.#dataOf(name)),
      listener,
      timers,
    });
  }

  impose(block: Block): Imposed {
    const imposed = this.#directory.impose(block);
    const name = peerFileName(block.address);
    if (imposed !== 'in force' || name === undefined) return imposed;
    this.#known.delete(name);
    this.#cdb.want(name);
    this.#cdb.request();
    return this.#cdb.has(name) ? 'in force' : 'pending';
  }

  canRefuse(address: Address): boolean {
    return this.#directory.canRefuse(address);
  }

  lift(block: Block): boolean {
    const name = peerFileName(block.address);
    if (name === undefined) return false;
    const isLifted = this.#directory.lift(block);
    this.#forget(name);
    if (isLifted) this.#cdb.request(true);
    return isLifted;
  }

  entryOwner(address: Address, block: Block | undefined): EntryOwner {
    let data: Uint8Array | undefined;
    try {
      data = findFirstInCdb(readFile(this.#options.cdb), namesFor(address))?.data;
    } catch {
      return 'unknown';
    }
    const kind = data && String.fromCharCode(data.at(-1) ?? 0);
    const file = this.#directory.entryOwner(address, block);
    // A refusal in the cdb without a file was ours, and the next build drops it.
    if (kind === 'D') return file === 'theirs' ? 'theirs' : 'ours';
    if (kind === 'X') return file === 'ours' ? 'ours' : 'unknown';
    return 'absent';
  }

  reconcile(blocks: readonly Block[]): void {
    try {
      this.#directory.reconcile(blocks);
    } finally {
      this.#start(blocks);
    }
  }

  get rebuild(): Rebuild {
    return this.#cdb;
  }

  /** Rebuilds when a file of the directory changes, or when somebody else replaces the cdb. */
  watch(onChange?: () => void): void {
    this.#cdb.watch([]);
    this.#directory.watch(onChange);
  }

  look(): void {
    this.#directory.look();
    this.#cdb.look();
  }

  *inspect(blocks: KnownBlocks, scope: Scope): Generator<Drift | undefined, void> {
    for (const finding of this.#directory.inspect(blocks, scope)) {
      if (finding?.kind === 'replaced') this.#noteChange(null);
      else if (finding?.kind === 'removed') {
        this.#forget(peerFileName(finding.block.address) ?? '');
        this.#cdb.request(true);
      }
      yield finding;
    }
    if (scope !== 'all') return;
    // An earlier build would leave out blocks whose files are not there yet.
    if (!this.#cdb.isStarted) this.#start(blocks.values());
    else if (!this.#cdb.verify()) this.#known.clear();
  }

  close(): void {
    this.#directory.close();
    this.#cdb.close();
  }

  /** The next build includes the files of all these blocks. */
  #start(blocks: Iterable<Block>): void {
    const names = [...blocks].map((block) => peerFileName(block.address));
    this.#cdb.wantOnly(new Set(names.filter((name) => name !== undefined)));
    this.#known.clear();
    this.#cdb.start();
  }

  #forget(name: string): void {
    this.#cdb.drop(name);
    this.#known.delete(name);
  }

  /** null: anything may have changed. */
  #noteChange(name: string | null): void {
    if (name === null) this.#known.clear();
    else this.#known.delete(name);
    this.#cdb.request();
  }

  /** The data of a block's file, which has to be read each time unless changes are watched. */
  #dataOf(name: string): Uint8Array | undefined {
    if (!this.#directory.isWatching || !this.#cdb.wants(name)) return undefined;
    const data = this.#known.get(name) ?? peerData(this.#options.directory, name);
    if (data) this.#known.set(name, data);
    return data;
  }
}
