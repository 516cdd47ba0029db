/**
 * Finds directories that rater or the servers cannot use, or that others can.
 *
 * Tests: src/doctor/checks/writable-by-others.ts, src/doctor/owner.ts
 * Tests: src/enforcers/peers/directory-obstacles.ts
 */
import { chmodSync, chownSync, rmSync } from 'node:fs';
import { notRoot } from '../../run/unless.ts';
import { nobody } from '../../system/nobody.ts';
import { findsEach } from '../examination.ts';

findsEach([
  {
    what: 'a missing peers directory',
    dead: (site) => rmSync(site.path('peers'), { recursive: true }),
    finds: 'problem directories',
    says: /there is no directory .*peers: every client is dropped/,
  },
  {
    what: 'a peers directory that the user of rater may not write in',
    skip: notRoot,
    before: (site) => chownSync(site.directory, nobody, nobody),
    finds: 'problem directories',
    says: /uid 65534\) may not write in .*peers/,
  },
  {
    what: 'a peers directory that is closed to others',
    before: (site) => chmodSync(site.path('peers'), 0o700),
    finds: 'problem directories',
    says: /closed to other users/,
  },
  {
    what: 'a peers directory that is open to its group only',
    before: (site) => chmodSync(site.path('peers'), 0o750),
    finds: 'hint directories',
    says: /unless it is in the group/,
  },
  {
    what: 'a peers directory in which everybody may write',
    before: (site) => chmodSync(site.path('peers'), 0o1777),
    finds: 'problem directories',
    says: /every user of this host may write in .*peers, and so block or let in/,
  },
  {
    what: 'a directory of sockets and database in which everybody may write',
    before: (site) => chmodSync(site.directory, 0o777),
    finds: 'problem directories',
    says: /every user of this host may write in .*, and replace the files of rater/,
  },
  {
    what: 'such a directory with a sticky bit',
    before: (site) => chmodSync(site.directory, 0o1777),
    finds: 'hint directories',
    says: /every user of this host may write in .*, and take a name before rater does/,
  },
  {
    what: 'a tcpsvd -t that may be unable to unlink',
    plan: { peersTimeout: 60 },
    finds: 'hint directories',
    says: /may remove files in .*test -w/,
  },
  {
    what: 'a missing directory of a socket',
    dead: (site) => site.configure({ settings: 'control: "nowhere/control.sock";' }),
    finds: 'problem directories',
    says: /there is no directory .*nowhere: rater cannot start; create it .*nowhere/,
  },
]);
