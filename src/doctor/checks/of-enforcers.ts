/** The findings of the configured enforcers' own checks. */
import type { Block } from '../../core/block.ts';
import type { EnforcerCheck } from '../../enforcers/enforcer-kind.ts';
import type { Finding } from '../../health/finding.ts';
import type { Check, Installation } from '../check.ts';

export function ofEnforcers(
  { enforcers, clock, searchPath, remembered: memory }: Installation,
  check: EnforcerCheck,
  blocks: readonly Block[] = 'unknown' in memory ? [] : memory.blocks,
): Finding[] {
  const nowMs = clock.wallMs();
  const current = blocks.filter(({ untilMs }) => untilMs > nowMs);
  const facts = { blocks, current, searchPath };
  return enforcers.flatMap(({ checks }) => checks[check]?.(facts) ?? []);
}

/** A check that only enforcers make. */
export function checkOfEnforcers(name: EnforcerCheck, looksAt: string): Check {
  return { name, looksAt, run: (site) => ofEnforcers(site, name) };
}
