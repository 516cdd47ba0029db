/** Whether a server is told of blocks at all. */
import { kinds } from '../../enforcers/kinds.ts';
import { type Finding, problem } from '../../health/finding.ts';
import type { Check, Installation } from '../check.ts';

function toldNone({ enforcers }: Installation): Finding[] {
  if (enforcers.length > 0) return [];
  const names = kinds.map(({ name }) => `blocking.${name}`);
  const what = `no server is told of blocks: neither ${names.join(' nor ')} is configured`;
  const effect = 'what stops a client is ratecheck alone';
  return [problem(`${what}, so ${effect}`, `set ${names.join(' or ')}, and restart rater`)];
}

export const servers: Check = {
  name: 'servers',
  looksAt: 'the servers',
  run: (site) => toldNone(site),
};
