/** Finds blocks with impossible times: the clock was wrong when they were made, or is now. */
import { type Finding, problem, someAddresses } from '../../health/finding.ts';
import type { Check, Installation } from '../check.ts';

/** A difference that does not matter. */
const slackMs = 5000;
/** The only cap on an operator's blocks, see commands/words.ts. */
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
      const maxSeconds = byRate ? config.blocking.penalty.capSeconds : longestByOperatorSeconds;
      return !early.includes(block) && block.untilMs > nowMs + maxSeconds * 1000 + slackMs;
    });
    if (far.length > 0) {
      const what = `blocks that end later than any block may (blocking.cap): ${someAddresses(far)}`;
      found.push(problem(what, 'see that the clock is right, then ipthrottle unblock them'));
    }
    return found;
  },
};
