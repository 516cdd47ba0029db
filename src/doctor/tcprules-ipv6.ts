/** What the installed tcprules can, tried in a private directory. */
import { join } from 'node:path';
import { takesIPv6 } from '../enforcers/tcprules/compile-rules.ts';
import { doNow } from '../runtime/work.ts';
import { inPrivateDirectory } from './private-directory.ts';

export function tcprulesTakesIPv6(source: string): boolean {
  return inPrivateDirectory((directory) =>
    doNow(takesIPv6({ source, cdb: join(directory, 'cdb') })),
  );
}
