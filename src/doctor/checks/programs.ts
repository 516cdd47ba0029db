/** Whether the programs around rater are installed, and are the right ones. */
import { type Finding, problem } from '../../health/finding.ts';
import { programIn } from '../../runtime/program-in.ts';
import type { Check, Installation } from '../check.ts';
import { ofEnforcers } from './of-enforcers.ts';

export const programs: Check = {
  name: 'programs',
  looksAt: 'the programs around rater',
  run(site) {
    const ours = site.daemon.is === 'down' ? ['ratecheck', 'rater'] : ['ratecheck'];
    return [...ours.flatMap((name) => missing(name, site)), ...ofEnforcers(site, 'programs')];
  },
};

/** Finds that a program of ours is not installed. */
function missing(name: string, { searchPath, ownDirectory }: Installation): Finding[] {
  if (programIn(searchPath, name) || programIn(ownDirectory, name)) return [];
  const rebuild = 'npm rebuild -g --allow-scripts=ipthrottle ipthrottle';
  const remedy = `install a C compiler (Debian: musl-tools), then npm run build in a clone, or ${rebuild}`;
  return [problem(`${name} is neither in PATH nor in ${ownDirectory}`, remedy)];
}
