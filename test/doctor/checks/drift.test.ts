/**
 * Finds addresses that servers refuse and should not, or should refuse and do not.
 *
 * Tests: src/enforcers/cdb/check-cdb-drift.ts, src/enforcers/peers/check-peers-drift.ts
 * Tests: src/enforcers/peers/peer-files.ts, src/enforcers/tcprules/check-tcprules-drift.ts
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { block, changeRow, findsEach, put, tcprules } from '../examination.ts';

const rules = ':allow\n';

findsEach([
  {
    what: 'a block without its file',
    before: (site) => block(site, '192.0.2.1'),
    dead: (site) => rmSync(site.path('peers', '192.0.2.1')),
    finds: 'problem drift',
    says: /blocks without a file in .*peers: 192\.0\.2\.1/,
  },
  {
    what: 'a file of ours without its block',
    before: (site) => block(site, '192.0.2.1'),
    async dead(site) {
      renameSync(site.path('peers', '192.0.2.1'), site.path('kept'));
      await site.ipthrottle('unblock', '192.0.2.1');
      renameSync(site.path('kept'), site.path('peers', '192.0.2.1'));
    },
    finds: 'problem drift',
    says: /belong to no block: 192\.0\.2\.1; start rater, which makes blocks of them again/,
  },
  {
    what: 'a file of ours whose date somebody has changed',
    async before(site) {
      await block(site, '192.0.2.1');
      utimesSync(site.path('peers', '192.0.2.1'), 2_000_000_000, 2_000_000_000);
    },
    finds: 'problem drift',
    says: /belong to no block: 192\.0\.2\.1; .*what it leaves has a changed date: rm it/,
  },
  {
    what: 'a directory in the place of a block',
    before(site) {
      mkdirSync(site.path('peers', '192.0.2.1'));
      return block(site, '192.0.2.1');
    },
    finds: 'problem drift',
    says: /something that is not a file is in .*peers where blocks have theirs: 192\.0\.2\.1; remove it/,
  },
  {
    what: 'a block that is over and still there',
    before: (site) => block(site, '2001:db8::1'),
    dead: (site) => changeRow(site, 'UPDATE blocks SET since_ms = 1000, until_ms = 2000'),
    finds: 'problem drift',
    says: /over and still there: 2001:db8::1/,
  },
  {
    what: "a block under the administrator's own file",
    before(site) {
      put(site, '192.0.2.1', 0o444);
      return block(site, '192.0.2.1');
    },
    finds: 'hint drift',
    says: /a file of your own in .* lets blocked clients in: 192\.0\.2\.1/,
  },
  {
    what: 'a block that is not in the cdb of tcpserver',
    plan: { rules },
    before: (site) => block(site, '192.0.2.1'),
    dead: (site) => tcprules(site, rules),
    finds: 'problem drift',
    says: /not in .*rules.cdb: 192\.0\.2\.1/,
  },
  {
    what: 'a cdb that refuses an address without a block',
    plan: { rules },
    dead: (site) => tcprules(site, '192.0.2.1:deny\n:allow\n'),
    finds: 'problem drift',
    says: /rules.cdb refuses what neither a block nor .*rules does: 192\.0\.2\.1/,
  },
  {
    what: 'entries that another program merged into the cdb',
    plan: { rules },
    dead: (site) => tcprules(site, '192.0.2.44:allow,RELAYCLIENT=""\n:allow\n'),
    finds: 'problem drift',
    says: /rules.cdb has entries that .*rules has not: 192\.0\.2\.44; .*have what adds them add them to .*rules$/,
  },
  {
    what: 'a cdb that is older than its source',
    plan: { rules },
    dead: (site) => writeFileSync(site.path('rules'), '10.:allow,RELAYCLIENT=""\n:allow\n'),
    finds: 'problem drift',
    says: /rules.cdb is not what .*rules and the blocks make/,
  },
  {
    what: 'a block that is not in the cdb of tcpsvd',
    plan: { blocking: 'peers_cdb: "peers.cdb";' },
    before: (site) => block(site, '192.0.2.1'),
    dead(site) {
      mkdirSync(site.path('empty'));
      const args = [site.path('peers.cdb'), site.path('tmp'), site.path('empty')];
      execFileSync('ipsvd-cdb', args);
    },
    finds: 'problem drift',
    says: /not in .*peers.cdb: 192\.0\.2\.1/,
  },
]);
