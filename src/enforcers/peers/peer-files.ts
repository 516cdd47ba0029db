/**
 * Sorts the files of the peers directory: a block's, ours without a block, the administrator's.
 *
 * Not even its owner can read a silent file of ours. It is recognized by its modification time, the
 * end of its block, which is later than the file's last change.
 */

import {
  closeSync,
  constants,
  openSync,
  readdirSync,
  readSync,
  type Stats,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Block } from '../../core/block.ts';
import { permissionBits } from '../../files/mode-bits.ts';
import { someOf } from '../../health/finding.ts';
import { quoted } from '../../runtime/log.ts';
import { addressOfPeerFile, isOurs, peerFileName, politeMode, silentMode } from './peer-file.ts';

export type PeerFile = { readonly name: string; readonly path: string; readonly stats: Stats };

export type PeerFiles = {
  readonly ofBlocks: ReadonlyMap<string, PeerFile>;
  readonly leftOver: readonly PeerFile[];
  readonly admins: readonly PeerFile[];
};

const none: PeerFiles = { ofBlocks: new Map(), leftOver: [], admins: [] };
const firstLine = /^(?:# )?ipthrottle block\n/;

export function peerFilesIn(directory: string, blocks: readonly Block[]): PeerFiles {
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return none;
  const byName = new Map(blocks.map((block) => [peerFileName(block.address), block]));
  const ofBlocks = new Map<string, PeerFile>();
  const [leftOver, admins]: [PeerFile[], PeerFile[]] = [[], []];
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    const stats = name.startsWith('..') ? undefined : statSync(path, { throwIfNoEntry: false });
    if (!stats?.isFile()) continue;
    const block = byName.get(name);
    if (block && isOurs(stats, block)) ofBlocks.set(name, { name, path, stats });
    else if (addressOfPeerFile(name) && looksLikeOurs(path, stats))
      leftOver.push({ name, path, stats });
    else admins.push({ name, path, stats });
  }
  return { ofBlocks, leftOver, admins };
}

/** As many of their names as fit in a line. */
export function someNames(files: readonly PeerFile[]): string {
  return someOf(files.map(({ name }) => quoted(name)));
}

function looksLikeOurs(path: string, stats: Stats): boolean {
  const mode = stats.mode & permissionBits;
  if (mode !== silentMode && mode !== politeMode) return false;
  const start = startOf(path);
  return start === undefined ? stats.mtimeMs > stats.ctimeMs : firstLine.test(start);
}

/** The first `max` bytes; undefined when the file may not be read. */
export function startOf(path: string, max = 64): string | undefined {
  let descriptor: number;
  try {
    // Somebody may have put a pipe in its place meanwhile.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const bytes = Buffer.alloc(max);
    return bytes.toString('latin1', 0, readSync(descriptor, bytes));
  } finally {
    closeSync(descriptor);
  }
}
