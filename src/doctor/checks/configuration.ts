/** What the configuration says and likely does not mean: `rater --check` tells the same. */
import { hint } from '../../health/finding.ts';
import type { Check } from '../check.ts';

const maxTold = 20;
const remedy = 'change that line until rater --check has nothing to say, and see rater.conf(5)';

export const configuration: Check = {
  name: 'configuration',
  looksAt: 'the configuration',
  run: ({ config }) => config.warnings.slice(0, maxTold).map((what) => hint(what, remedy)),
};
