/** What the running daemon itself reports as trouble, and what failed while it ran. */
import { type Check, type Finding, hint, problem } from './check.ts';

export const troubles: Check = {
  name: 'troubles',
  looksAt: 'what rater reports',
  run({ daemon }): Finding[] {
    if (daemon.is !== 'running') return [];
    const { troubles: current, counters, enforce } = daemon.status;
    const found = current.map(({ part, what }) => {
      return problem(`${part}: ${what}`, 'see to that; rater goes on trying by itself');
    });
    if (enforce === false) {
      const what = 'limits are only told, because they are switched off';
      found.push(hint(what, 'ipthrottle var enforce on'));
    }
    if (found.length > 0) return found;
    for (const [name, count] of Object.entries(counters ?? {})) {
      if (!/fail/i.test(name) || !(count > 0)) continue;
      const what = `${count} ${name} since rater was started, and nothing fails now`;
      found.push(hint(what, 'look in its log for what it was; restarting rater counts anew'));
    }
    return found;
  },
};
