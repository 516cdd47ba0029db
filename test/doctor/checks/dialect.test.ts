/**
 * Finds a cdb that its server would misread.
 *
 * Tests: src/enforcers/cdb/check-dialect.ts, src/enforcers/cdb/dialects.ts
 */
import { execFileSync } from 'node:child_process';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { findsEach, put, tcprules } from '../examination.ts';

const rules = ':allow\n';

findsEach([
  {
    what: 'a cdb of ipsvd-cdb for tcpserver',
    plan: { rules },
    dead(site) {
      put(site, '0', 0o444);
      const args = [site.path('rules.cdb'), site.path('tmp'), site.path('peers')];
      execFileSync('ipsvd-cdb', args);
    },
    finds: 'problem dialect',
    says: /rules.cdb is not for tcpserver: it looks like one of ipsvd-cdb \(key 0\)/,
  },
  {
    what: 'a cdb of tcprules for tcpsvd',
    plan: { rules, blocking: 'peers_cdb: "peers.cdb";' },
    dead: (site) => {
      tcprules(site, '192.0.2.:deny\n:allow\n');
      renameSync(site.path('rules.cdb'), site.path('peers.cdb'));
      tcprules(site, rules);
    },
    finds: 'problem dialect',
    says: /peers.cdb is not for tcpsvd: it looks like one of tcprules/,
  },
  {
    what: 'a cdb that was cut off',
    plan: { rules },
    dead: (site) => writeFileSync(site.path('rules.cdb'), 'short'),
    finds: 'problem dialect',
    says: /not a complete cdb: tcpserver drops every client/,
  },
  {
    what: 'a missing cdb',
    plan: { rules },
    dead: (site) => rmSync(site.path('rules.cdb')),
    finds: 'problem dialect',
    says: /there is no .*rules.cdb/,
  },
]);
