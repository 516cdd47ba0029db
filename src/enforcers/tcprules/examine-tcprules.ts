/** What doctor examines for tcpserver. */
import { hint } from '../../health/finding.ts';
import { programIn } from '../../runtime/program-in.ts';
import { checkDialect } from '../cdb/check-dialect.ts';
import { ofTcpserver } from '../cdb/dialects.ts';
import type { ExaminedEnforcer } from '../enforcer-kind.ts';
import { checkRules } from './check-rules.ts';
import { checkTcprulesDrift } from './check-tcprules-drift.ts';
import type { RulesFiles } from './compile-rules.ts';
import { denialsInRules } from './denials-in-rules.ts';

export function examineTcprules(files: RulesFiles): ExaminedEnforcer {
  const { source, cdb } = files;
  return {
    directories: [],
    files: [cdb],
    servers: [{ server: `tcpserver -x ${cdb}`, program: 'tcpserver', options: ['-HR', '-x', cdb] }],
    denials: () => denialsInRules(source),
    checks: {
      rules: ({ searchPath }) => checkRules(source, searchPath),
      dialect: () => checkDialect(cdb, ofTcpserver),
      drift: ({ current }) => checkTcprulesDrift(files, current),
      programs({ searchPath }) {
        if (programIn(searchPath, 'tcpserver')) return [];
        const remedy = 'install ucspi-tcp, or take out blocking.tcprules';
        return [hint('tcpserver is not in PATH', remedy)];
      },
    },
  };
}
