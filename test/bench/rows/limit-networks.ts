import { gatekeeperOn } from '../in-process.ts';
import { addressText, newSite } from '../rater.ts';
import { takeTurns } from '../rounds.ts';
import type { Row } from '../row.ts';

/** All over 10.0.0.0/8, as the networks are. */
const values = Array.from({ length: 1000 }, (_, index) => addressText(index * 16_769));

/** Networks of 16 lengths, one after the other. */
function limitsWith(networks: number): string {
  const limits = Array.from({ length: networks }, (_, index) => {
    return `("${addressText(index * 797)}/${17 + (index % 16)}", 3600, 1000), `;
  });
  return `ip: ( ${limits.join('')} ("*", 3600, 1000) );`;
}

export const limitNetworks: Row = {
  name: 'limit-networks',
  what: 'a check with 20 000 networks in limits, of one with 10',
  async measure(bench) {
    const hits = bench.size(200_000, 50_000);
    const among = (networks: number) => {
      const gatekeeper = gatekeeperOn(newSite(bench, { limits: limitsWith(networks) }));
      const measure = () => {
        const startMs = performance.now();
        for (let index = 0; index < hits; index += 1) {
          const value = values[index % values.length] as string;
          void gatekeeper.hit({ class: 'ip', value, isSession: false });
        }
        return ((performance.now() - startMs) / hits) * 1000;
      };
      return { gatekeeper, name: `${networks} networks`, measure };
    };
    const [many, few] = [among(20_000), among(10)];
    const { ours, limit } = await takeTurns(bench.rounds, { ours: many, limit: few });
    for (const { gatekeeper } of [many, few]) gatekeeper.blocks.close();
    if (!ours) return [];
    const what = 'a check with 20000 networks in limits, of one with 10';
    return [{ what, unit: 'us', ours, limit, goal: { is: 'at most', bound: 1.3, of: 'limit' } }];
  },
};
