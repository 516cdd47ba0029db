/** What doctor looks at for tcpserver. */
import { networkInterfaces } from 'node:os';
import { hint } from '../../health/finding.ts';
import { programIn } from '../../runtime/program-in.ts';
import { running } from '../../runtime/run-command.ts';
import { checkDialect } from '../cdb/check-dialect.ts';
import { ofTcpserver } from '../cdb/dialects.ts';
import type { ExaminedEnforcer } from '../enforcer-kind.ts';
import { checkRules } from './check-rules.ts';
import { checkTcprulesDrift } from './check-tcprules-drift.ts';
import type { RulesFiles } from './compile-rules.ts';
import { denialsInRules } from './denials-in-rules.ts';

const timeoutMs = 5000;

/**
 * Whether a server can run with -6, under which some look IPv4 clients up in another spelling. Its
 * usage lists the options of one letter.
 */
function hasMinus6(path: string): boolean {
  const hasIPv6 = Object.values(networkInterfaces()).some((each) => {
    return each?.some(({ family }) => family === 'IPv6');
  });
  if (!hasIPv6) return false;
  const { said } = running({ command: path, args: [], input: new Uint8Array(), timeoutMs }).now();
  return /usage: tcpserver \[ ?-[A-Za-z0-9]*6/.test(said);
}

export function examineTcprules(files: RulesFiles): ExaminedEnforcer {
  const { source, cdb } = files;
  return {
    directories: [],
    files: [cdb],
    servers: [
      { server: `tcpserver -x ${cdb}`, program: 'tcpserver', options: ['-x', cdb] },
      {
        server: `tcpserver -6 -x ${cdb}`,
        program: 'tcpserver',
        options: ['-6', '-x', cdb],
        isKnownTo: hasMinus6,
      },
    ],
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
