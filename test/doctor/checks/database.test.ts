/** Finds a database that is missing, damaged or open to others. */
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { findsEach } from '../examination.ts';

findsEach([
  {
    what: 'a database that everybody may read',
    before: (site) => chmodSync(site.path('blocks.db'), 0o644),
    finds: 'problem database',
    says: /everybody may read .*blocks.db/,
  },
  {
    what: 'a database whose latest writes everybody may read',
    before: (site) => chmodSync(site.path('blocks.db-wal'), 0o644),
    finds: 'problem database',
    says: /everybody may read .*blocks.db-wal/,
  },
  {
    what: 'a damaged database',
    dead(site) {
      rmSync(site.path('blocks.db-wal'), { force: true });
      writeFileSync(site.path('blocks.db'), 'no database at all, by no means\n'.repeat(200));
    },
    finds: 'problem database',
    says: /blocks.db: database is damaged/,
  },
  {
    what: 'a missing database',
    dead: (site) => rmSync(site.path('blocks.db')),
    finds: 'problem database',
    says: /there is no .*blocks.db/,
  },
]);
