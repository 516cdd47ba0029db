/** Whether tcpserver refuses blocked clients: what is in the cdb. */
import { join } from 'node:path';
import type { Block } from '../../core/block.ts';
import { inPrivateDirectory } from '../../files/private-directory.ts';
import type { Finding } from '../../health/finding.ts';
import { doNow } from '../../runtime/work.ts';
import { checkCdbDrift } from '../cdb/check-cdb-drift.ts';
import { ofTcpserver } from '../cdb/dialects.ts';
import { compileRules, type RulesFiles } from './compile-rules.ts';
import { isIPv6Key, isRefusal, keyOf } from './tcprules.ts';
import { tcprulesTakesIPv6 } from './tcprules-ipv6.ts';

/** `current` are the blocks that are not over. */
export function checkTcprulesDrift(files: RulesFiles, current: readonly Block[]): Finding[] {
  const { source, cdb } = files;
  const all = current.flatMap(({ address }) => keyOf(address) ?? []);
  const isPossible = all.some(isIPv6Key) && tcprulesTakesIPv6(source);
  const keys = new Set(all.filter((key) => isPossible || !isIPv6Key(key)));
  return inPrivateDirectory((directory) => {
    const elsewhere = { ...files, cdb: join(directory, 'cdb') };
    const wanted = () => doNow(compileRules(elsewhere, [...keys]));
    return checkCdbDrift({ dialect: ofTcpserver, cdb, source, wanted, refuses: isRefusal, keys });
  });
}
