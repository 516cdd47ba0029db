/** Tries in a private directory whether the installed tcprules takes IPv6. */
import { join } from 'node:path';
import { inPrivateDirectory } from '../../files/private-directory.ts';
import { doNow } from '../../runtime/work.ts';
import { takesIPv6 } from './compile-rules.ts';

export function tcprulesTakesIPv6(source: string): boolean {
  return inPrivateDirectory((directory) =>
    doNow(takesIPv6({ source, cdb: join(directory, 'cdb') })),
  );
}
