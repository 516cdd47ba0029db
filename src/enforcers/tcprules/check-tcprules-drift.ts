/** Whether tcpserver refuses blocked clients: what is in the cdb. */
import { join } from 'node:path';
import type { Block } from '../../core/block.ts';
import { inPrivateDirectory } from '../../files/private-directory.ts';
import { type Finding, problem, someAddresses } from '../../health/finding.ts';
import { doNow } from '../../runtime/work.ts';
import { checkCdbDrift } from '../cdb/check-cdb-drift.ts';
import { ofTcpserver } from '../cdb/dialects.ts';
import { compileRules, type RulesFiles } from './compile-rules.ts';
import { installedLookups } from './installed-tcprules.ts';
import { type Lookups, writtenKeys } from './lookups.ts';
import { isRefusal, keyOf } from './tcprules.ts';

/** `current` are the blocks that are not over. */
export function checkTcprulesDrift(files: RulesFiles, current: readonly Block[]): Finding[] {
  const { source, cdb } = files;
  const lookups = installedLookups(source);
  const all = current.flatMap(({ address }) => keyOf(address) ?? []);
  const keys = new Set(all.flatMap((key) => writtenKeys(key, lookups)));
  const differs = inPrivateDirectory((directory) => {
    const elsewhere = { ...files, cdb: join(directory, 'cdb') };
    const wanted = () => doNow(compileRules(elsewhere, all, lookups));
    return checkCdbDrift({ dialect: ofTcpserver, cdb, source, wanted, refuses: isRefusal, keys });
  });
  return [...differs, ...neverLookedUp(current, lookups)];
}

/** Where tcpserver knows no IPv6 at all, it has no such clients either. */
function neverLookedUp(current: readonly Block[], lookups: Lookups): Finding[] {
  if (!lookups.ipv6Addresses) return [];
  const blocks = current.filter(({ address }) => {
    const key = address.family === 6 ? keyOf(address) : undefined;
    return key !== undefined && writtenKeys(key, lookups).length === 0;
  });
  if (blocks.length === 0) return [];
  const what = `the installed tcpserver can look up no rule for ${someAddresses(blocks)}`;
  return [problem(what, `have ratecheck in its run script: through it rater refuses them`)];
}
