/** The table of checks. The command runs them in this order, and the manual's test reads it. */

import { type Finding, hint } from '../../health/finding.ts';
import { errnoOf, Fault, reasonOf } from '../../runtime/errors.ts';
import type { Check, Installation } from '../check.ts';
import { allowlist } from './allowlist.ts';
import { clock } from './clock.ts';
import { configuration } from './configuration.ts';
import { daemon } from './daemon.ts';
import { database } from './database.ts';
import { directories } from './directories.ts';
import { drift } from './drift.ts';
import { checkOfEnforcers } from './of-enforcers.ts';
import { programs } from './programs.ts';
import { servers } from './servers.ts';
import { sockets } from './sockets.ts';
import { space } from './space.ts';
import { troubles } from './troubles.ts';

export const checks: readonly Check[] = [
  daemon,
  troubles,
  configuration,
  sockets,
  servers,
  database,
  directories,
  checkOfEnforcers('static-files', "the administrator's files in the peers directory"),
  checkOfEnforcers('rules', "the administrator's rules for tcprules"),
  checkOfEnforcers('dialect', 'the cdb of each server'),
  drift,
  allowlist,
  clock,
  space,
  programs,
];

/** A finding and the check that made it. */
export type Diagnosis = Finding & { readonly check: string };

/** Runs every check. One that fails becomes a finding, and the others still run. */
export async function diagnose(site: Installation): Promise<Diagnosis[]> {
  const found: Diagnosis[] = [];
  for (const check of checks) {
    for (const finding of await findings(check, site))
      found.push({ check: check.name, ...finding });
  }
  return found;
}

async function findings(check: Check, site: Installation): Promise<readonly Finding[]> {
  try {
    return await check.run(site);
  } catch (error) {
    if (!(error instanceof Fault) && errnoOf(error) === undefined) throw error;
    const how = 'see to that, or run ipthrottle doctor as root';
    return [hint(`cannot look at ${check.looksAt}: ${reasonOf(error)}`, how)];
  }
}
