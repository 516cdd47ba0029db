/** What the installed tcprules can, tried in a private directory. */
import { join } from 'node:path';
import { inPrivateDirectory } from '../../files/private-directory.ts';
import { Fault } from '../../runtime/errors.ts';
import { doNow } from '../../runtime/work.ts';
import { latin1 } from '../cdb/cdb.ts';
import { takesIPv6 } from './compile-rules.ts';
import { runTcprules } from './run-tcprules.ts';

export function tcprulesTakesIPv6(source: string): boolean {
  return inPrivateDirectory((directory) =>
    doNow(takesIPv6({ source, cdb: join(directory, 'cdb') })),
  );
}

/** Why it does not compile the line of `source`, or undefined. */
export function refusalOfTcprules(source: string, line: string): string | undefined {
  return inPrivateDirectory((directory) => {
    try {
      doNow(runTcprules({ source, cdb: join(directory, 'cdb') }, latin1(`${line}\n`)));
      return undefined;
    } catch (error) {
      if (error instanceof Fault) return error.detail;
      throw error;
    }
  });
}
