import { join } from 'node:path';
import { peerFileText } from '../../../src/enforcers/peers/peer-file.ts';
import { PeersDirectory } from '../../../src/enforcers/peers/peers-directory.ts';
import { SqliteStore } from '../../../src/store/sqlite-store.ts';
import { newBlock } from '../rater.ts';
import { takeTurns } from '../rounds.ts';
import type { Row } from '../row.ts';

function microsecondsEach(many: number, work: (index: number) => void): number {
  const start = performance.now();
  for (let index = 0; index < many; index += 1) work(index);
  return ((performance.now() - start) / many) * 1000;
}

export const blockFile: Row = {
  name: 'block-file',
  what: 'block, from judging to file on disk',
  async measure(bench) {
    const many = bench.size(2000, 1000);
    const blocks = Array.from({ length: many }, (_, index) => {
      return { ...newBlock(index, Date.now() + 3_600_000), replacedUntilMs: 0 };
    });
    const bytes = blocks[0] ? peerFileText(blocks[0]).length : 0;
    const store = new SqliteStore(join(bench.newDirectory(), 'blocks.db'));
    const { ours, limit, stored } = await takeTurns(bench.size(9, 5), {
      ours: {
        name: 'peers directory',
        measure() {
          const peers = new PeersDirectory({
            directory: bench.newDirectory(),
            timeoutSeconds: undefined,
          });
          return microsecondsEach(many, (index) => {
            const block = blocks[index];
            if (block) peers.impose(block);
          });
        },
      },
      limit: {
        name: 'C',
        async measure() {
          const wanted = ['create', bench.newDirectory(), String(many), String(bytes)];
          return (Number(await bench.run([bench.program('files'), ...wanted])) / many) * 1e6;
        },
      },
      stored: {
        name: 'SQLite',
        measure(round) {
          const offset = round * many;
          return microsecondsEach(many, (index) => {
            store.add(newBlock(offset + index, Date.now() + 3_600_000));
          });
        },
      },
    });
    store.close();
    if (!ours || !stored) return [];
    const goal = { is: 'at most', bound: 1.3, of: 'limit' } as const;
    return [
      { what: 'block, from judging to file on disk', unit: 'us', ours, limit, goal },
      { what: 'block, its commit to the store', unit: 'us', ours: stored },
    ];
  },
};
