/**
 * Finds the administrator's own peer files that do harm or will come to harm.
 *
 * Tests: src/doctor/checks/of-enforcers.ts, src/enforcers/peers/check-static-files.ts
 * Tests: src/enforcers/peers/examine-peers.ts
 */
import { chmodSync } from 'node:fs';
import { findsEach, put } from '../examination.ts';

findsEach([
  {
    what: 'a static file that tcpsvd -t deletes',
    plan: { peersTimeout: 60 },
    before(site) {
      chmodSync(site.path('peers'), 0o775);
      put(site, '10', 0o644);
    },
    finds: 'problem static-files',
    says: /writable for their owner: 10: tcpsvd -t deletes them/,
  },
  {
    what: 'a static file that a later -t would delete',
    before: (site) => put(site, '10', 0o644),
    finds: 'hint static-files',
    says: /a tcpsvd that is given -t deletes them/,
  },
  {
    what: 'a static file that tcpsvd may not read',
    before: (site) => put(site, '10', 0o400),
    finds: 'problem static-files',
    says: /not readable for everybody: 10/,
  },
  {
    what: 'instructions with CR LF',
    before: (site) => put(site, '10', 0o444, '+RELAYCLIENT=\r\n'),
    finds: 'problem static-files',
    says: /CR LF: 10/,
  },
  {
    what: "the administrator's deny-all",
    before: (site) => put(site, '0', 0o000),
    finds: 'hint static-files',
    says: /peers\/0 refuses everybody/,
  },
]);
