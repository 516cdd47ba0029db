/**
 * Finds missing and wrong programs.
 *
 * Tests: src/enforcers/peers/check-tcpsvd.ts, src/runtime/program-in.ts
 */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '../../run/temporary-directory.ts';
import { bundle, findsEach } from '../examination.ts';

findsEach([
  {
    what: 'the tcpsvd of BusyBox',
    how() {
      const directory = temporaryDirectory();
      writeFileSync(join(directory, 'tcpsvd'), '#!/bin/sh\necho BusyBox v1.36.1 >&2; exit 1\n');
      chmodSync(join(directory, 'tcpsvd'), 0o755);
      return { searchPath: `${directory}:${process.env.PATH}` };
    },
    finds: 'problem programs',
    says: /tcpsvd is BusyBox's/,
  },
  {
    what: 'a missing tcpsvd',
    how: () => ({ searchPath: temporaryDirectory() }),
    finds: 'hint programs',
    says: /tcpsvd is not in PATH/,
  },
  {
    what: 'a missing ratecheck',
    how: () => ({ program: bundle }),
    finds: 'problem programs',
    says: /ratecheck is neither in PATH nor in .*; install a C compiler .*npm run build/,
  },
]);
