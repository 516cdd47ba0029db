/**
 * Blocks and allowlist as remembered by the running daemon, or else read from a private copy of the
 * database, because opening the real one would create files beside it.
 */

import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Address, parseNetwork } from '../core/address.ts';
import type { Block, BlockSource } from '../core/block.ts';
import { refusePlanted } from '../files/planted-file.ts';
import { inPrivateDirectory } from '../files/private-directory.ts';
import { SqliteStore } from '../store/sqlite-store.ts';

export type AllowEntry = {
  readonly address: Address;
  readonly source: 'configuration' | 'operator';
};

export type Remembered = {
  readonly blocks: readonly Block[];
  /** Only entries made by operators, not those of the configuration. */
  readonly allowed: readonly AllowEntry[];
};

/** Parts of `list --json` and `allow list --json`. */
type ListedBlock = {
  readonly address: string;
  readonly class: string;
  readonly since: string;
  readonly until: string;
  readonly count: number;
  readonly limit: number;
  readonly seconds: number;
  readonly times: number;
  readonly source: BlockSource;
  readonly reason: string;
};
type ListedEntry = { readonly address: string; readonly source: AllowEntry['source'] };

/** From the daemon's answers; dry runs are left out. */
export function rememberedFrom(blocksJson: string, allowedJson: string): Remembered {
  const blocks = (JSON.parse(blocksJson) as ListedBlock[]).flatMap((listed): Block[] => {
    const address = parseNetwork(listed.address);
    if (!address || listed.source === 'dry run') return [];
    const [sinceMs, untilMs] = [Date.parse(listed.since), Date.parse(listed.until)];
    return [{ ...listed, address, sinceMs, untilMs, replacedUntilMs: 0 }];
  });
  const allowed = (JSON.parse(allowedJson) as ListedEntry[]).flatMap(({ address, source }) => {
    const network = parseNetwork(address);
    return network && source === 'operator' ? [{ address: network, source }] : [];
  });
  return { blocks, allowed };
}

/** From the database while no daemon is running. @throws Fault, errors of the file system */
export function rememberedIn(path: string, nowMs: number): Remembered {
  refusePlanted(path, 'store');
  return inPrivateDirectory((directory) => {
    const copy = join(directory, 'copy.db');
    copyFileSync(path, copy);
    if (existsSync(`${path}-wal`)) copyFileSync(`${path}-wal`, `${copy}-wal`);
    const store = new SqliteStore(copy);
    try {
      const current = store.allowances().filter(({ untilMs = Infinity }) => untilMs > nowMs);
      const allowed = current.map(({ address }) => ({ address, source: 'operator' as const }));
      return { blocks: store.all(), allowed };
    } finally {
      store.close();
    }
  });
}
