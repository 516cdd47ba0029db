import { logarithmicBound } from '../arithmetic.ts';
import { gatekeeperOn } from '../in-process.ts';
import { addressText, newSite } from '../rater.ts';
import { takeTurns } from '../rounds.ts';
import type { Finding, Row } from '../row.ts';

const sizes = [1000, 10_000, 100_000, 1_000_000];
const stride = 7919;

export const growthValues: Row = {
  name: 'growth-values',
  what: 'growth: a check from 1k to 1M values',
  async measure(bench) {
    const hits = bench.size(100_000, 20_000);
    const limits = 'ip: ( ("*", 3600, 1000) );';
    const kept = sizes
      .filter((size) => size <= bench.size(1_000_000, 100_000))
      .map((size) => {
        const gatekeeper = gatekeeperOn(newSite(bench, { limits }));
        for (let index = 0; index < size; index += 1) {
          void gatekeeper.hit({ class: 'ip', value: addressText(index), isSession: false });
        }
        return { size, gatekeeper };
      });
    const contenders = kept.map(({ size, gatekeeper }) => {
      const measure = () => {
        const values = Array.from({ length: hits }, (_, index) =>
          addressText((index * stride) % size),
        );
        const startMs = performance.now();
        for (const value of values) void gatekeeper.hit({ class: 'ip', value, isSession: false });
        return ((performance.now() - startMs) / hits) * 1000;
      };
      return [String(size), { name: `${size} values`, measure }] as const;
    });
    const series = await takeTurns(bench.rounds, Object.fromEntries(contenders));
    for (const { gatekeeper } of kept) gatekeeper.blocks.close();
    const [smallest = 1] = sizes;
    const limit = series[String(smallest)];
    return kept.slice(1).flatMap(({ size }): Finding[] => {
      const ours = series[String(size)];
      const bound = logarithmicBound(smallest, size);
      const what = `growth: a check among ${size} values, of one among ${smallest}`;
      return ours
        ? [{ what, unit: 'us', ours, limit, goal: { is: 'at most', bound, of: 'limit' } }]
        : [];
    });
  },
};
