/** Whether the programs around rater are installed, and are the right ones. */
import { problem } from '../../health/finding.ts';
import { programIn } from '../../runtime/program-in.ts';
import type { Check } from '../check.ts';
import { ofEnforcers } from './of-enforcers.ts';

export const programs: Check = {
  name: 'programs',
  looksAt: 'the programs around rater',
  run(site) {
    const { searchPath, ownDirectory } = site;
    const found = ofEnforcers(site, 'programs');
    if (programIn(searchPath, 'ratecheck') || programIn(ownDirectory, 'ratecheck')) return found;
    const what = `ratecheck is neither in PATH nor in ${ownDirectory}`;
    return [problem(what, 'build it: npm run build says what is missing for that'), ...found];
  },
};
