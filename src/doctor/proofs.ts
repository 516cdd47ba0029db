/**
 * What an examination has proven of the whole: that a client could be counted and refused. Checks that
 * found nothing prove nothing of that.
 */
import type { Finding } from '../health/finding.ts';
import type { Installation } from './check.ts';
import type { Step } from './probe/probe.ts';

export type Proofs = {
  readonly proven: readonly string[];
  /** What is not proven, and why: nobody looked. */
  readonly notLookedAt: readonly string[];
};

type Found = Finding & { readonly check: string };

/** Without `steps` nothing was probed. */
export function proofsOf(
  { daemon }: Installation,
  found: readonly Found[],
  steps: readonly Step[] | undefined,
): Proofs {
  const proven: string[] = [];
  const notLookedAt: string[] = [];
  const isReached = daemon.is === 'running' && !found.some(({ check }) => check === 'daemon');
  if (isReached) proven.push('the socket answers');
  const checks = daemon.is === 'running' ? daemon.status.counters?.checks : undefined;
  if (checks) proven.push('clients are counted');
  else notLookedAt.push('whether clients are counted (none has come)');
  if (!steps) notLookedAt.push('whether a server refuses (doctor --probe)');
  for (const server of new Set(steps?.map((step) => step.server))) {
    const own = steps?.filter((step) => step.server === server) ?? [];
    const skipped = own.find(({ went }) => went === 'skipped');
    const name = server === 'probe' ? 'a server' : server;
    if (skipped) notLookedAt.push(`whether ${name} refuses (${skipped.step})`);
    else if (own.every(({ went }) => went === 'as it should')) {
      const isOurs = own.every(({ from }) => from.length === 0);
      proven.push(`${server} refuses${isOurs ? ' with options of ours' : ''}`);
    }
  }
  const isTried = steps?.some(({ went }) => went !== 'skipped');
  if (isTried && steps?.every(({ from }) => from.length === 0))
    notLookedAt.push('whether your servers do (no command of one that reads the same was found)');
  return { proven, notLookedAt };
}
