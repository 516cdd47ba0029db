/** Blocks whose times cannot be: the clock was wrong when they were made, or it is now. */
import { type Finding, problem, someAddresses } from '../../health/finding.ts';
import type { Check, Installation } from '../check.ts';

/** What may differ for nobody to care. */
const slackMs = 5000;
/** An operator's own blocks have no cap but this, see `block`. */
const longestByOperatorSeconds = 366 * 86_400;

export const clock: Check = {
  name: 'clock',
  looksAt: 'the times of blocks',
  run({ remembered: memory, clock: time, config }: Installation) {
    if ('unknown' in memory) return [];
    const nowMs = time.wallMs();
    const found: Finding[] = [];
    const early = memory.blocks.filter(({ sinceMs }) => sinceMs > nowMs + slackMs);
    if (early.length > 0) {
      const what = `blocks that begin in the future: ${someAddresses(early)}`;
      found.push(problem(what, 'see that the clock is right, then ipthrottle unblock them'));
    }
    const far = memory.blocks.filter((block) => {
      const byRate = block.source === 'rate';
      const most = byRate ? config.blocking.penalty.capSeconds : longestByOperatorSeconds;
      return !early.includes(block) && block.untilMs > nowMs + most * 1000 + slackMs;
    });
    if (far.length > 0) {
      const what = `blocks that end later than any block may (blocking.cap): ${someAddresses(far)}`;
      found.push(problem(what, 'see that the clock is right, then ipthrottle unblock them'));
    }
    return found;
  },
};
