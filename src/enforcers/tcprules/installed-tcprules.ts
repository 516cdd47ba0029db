/** What the installed tcprules can, tried in a private directory. */
import { join } from 'node:path';
import { inPrivateDirectory } from '../../files/private-directory.ts';
import { Fault } from '../../runtime/errors.ts';
import { doNow } from '../../runtime/work.ts';
import { latin1 } from '../cdb/cdb.ts';
import type { Lookups } from './lookups.ts';
import { runTcprules } from './run-tcprules.ts';
import { refusesAll, tryLookups } from './try-lookups.ts';

export function installedLookups(source: string): Lookups {
  return inPrivateDirectory((directory) =>
    doNow(tryLookups({ source, cdb: join(directory, 'cdb') })),
  );
}

/** Whether a rule that denies what is `written` so refuses the client. */
export function refusesByRule(source: string, written: string, client: string): boolean {
  return inPrivateDirectory((directory) =>
    doNow(refusesAll({ source, cdb: join(directory, 'cdb') }, [written], [client])),
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
