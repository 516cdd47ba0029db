import { ask } from '../load.ts';
import { startRater } from '../rater.ts';
import { takeTurns } from '../rounds.ts';
import type { Row } from '../row.ts';

export const hotValue: Row = {
  name: 'hot-value',
  what: 'hot value with 20 000 hits in the window vs cold',
  async measure(bench) {
    const rater = await startRater(bench, { limits: 'ip: ( ("*", 3600, 1000000) );' });
    const checks = bench.size(50_000, 20_000);
    const pipe = { server: rater.checked, concurrency: 1, depth: 100, keep: true };
    const rate = (from: string, spread: number) => async () => {
      return checks / (await ask(bench, { ...pipe, checks, from, spread }));
    };
    await ask(bench, { ...pipe, checks: 20_000, from: '10.0.0.1', spread: 1 });
    const { ours, limit } = await takeTurns(bench.size(9, 7), {
      ours: { name: 'hot', measure: rate('10.0.0.1', 1) },
      limit: { name: 'cold', measure: rate('10.1.0.0', 1000) },
    });
    if (!ours) return [];
    const goal = { is: 'at least', bound: 0.9, of: 'limit' } as const;
    return [{ what: 'checks of a value with 20 000 hits', unit: '/s', ours, limit, goal }];
  },
};
