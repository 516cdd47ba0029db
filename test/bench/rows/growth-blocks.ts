import { parseAddress } from '../../../src/core/address.ts';
import { logarithmicBound } from '../arithmetic.ts';
import { gatekeeperOn } from '../in-process.ts';
import { fillStore, newSite } from '../rater.ts';
import { takeTurns } from '../rounds.ts';
import type { Finding, Row } from '../row.ts';

const sizes = [100, 1000, 10_000, 100_000];
const operations = 100;

export const growthBlocks: Row = {
  name: 'growth-blocks',
  what: 'growth: a block and its end from 100 to 100k blocks',
  async measure(bench) {
    const kept = sizes
      .filter((size) => size <= bench.size(100_000, 10_000))
      .map((size) => {
        const site = newSite(bench, {});
        fillStore(site, size, Date.now() + 3_600_000);
        const gatekeeper = gatekeeperOn(site);
        gatekeeper.start();
        return { size, gatekeeper };
      });
    const contenders = kept.map(({ size, gatekeeper }) => {
      const measure = () => {
        const startMs = performance.now();
        for (let index = 0; index < operations; index += 1) {
          const address = parseAddress(`198.18.0.${index}`);
          if (!address) continue;
          gatekeeper.block({ address, seconds: 60, reason: '' });
          gatekeeper.unblock(address);
        }
        return ((performance.now() - startMs) / operations) * 1000;
      };
      return [String(size), { name: `${size} blocks`, measure }] as const;
    });
    const series = await takeTurns(bench.rounds, Object.fromEntries(contenders));
    for (const { gatekeeper } of kept) gatekeeper.blocks.close();
    const [smallest = 1] = sizes;
    const limit = series[String(smallest)];
    return kept.slice(1).flatMap(({ size }): Finding[] => {
      const ours = series[String(size)];
      const bound = logarithmicBound(smallest, size);
      const what = `growth: a block and its end among ${size}, of one among ${smallest}`;
      return ours
        ? [{ what, unit: 'us', ours, limit, goal: { is: 'at most', bound, of: 'limit' } }]
        : [];
    });
  },
};
