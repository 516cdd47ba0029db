/** Sockets that are open to too many or too few are found. */
import { chmodSync, chownSync } from 'node:fs';
import { expect, test } from 'vitest';
import { freePort } from '../../run/free-port.ts';
import { notRoot } from '../../run/unless.ts';
import { nobody } from '../../system/nobody.ts';
import { examine, findsEach, kinds, newSite } from '../examination.ts';

const port = await freePort();

findsEach([
  {
    what: 'a socket that is open to all',
    before: (site) => chmodSync(site.path('rater.sock'), 0o666),
    finds: 'problem sockets',
    says: /rater.sock has mode 0666/,
  },
  {
    what: 'a group of the socket that does not exist',
    dead: (site) => site.configure({ settings: 'socket_group: "nobodys-group";' }),
    finds: 'problem sockets',
    says: /there is no group nobodys-group, so rater cannot start; groupadd/,
  },
  {
    what: 'a socket that is closed to ratecheck',
    before: (site) => chmodSync(site.path('rater.sock'), 0o600),
    finds: 'problem sockets',
    says: /rater.sock has mode 0600, .* is 0660: a ratecheck that may not ask lets all in; chmod 0660/,
  },
  {
    what: 'a directory of the socket that is closed to ratecheck',
    before: (site) => chmodSync(site.directory, 0o700),
    finds: 'problem sockets',
    says: /closed to other users: a ratecheck that runs as one lets all in; chmod o\+x/,
  },
  {
    what: 'a directory of the socket that is open to another group only',
    skip: notRoot,
    before(site) {
      chmodSync(site.directory, 0o750);
      chownSync(site.directory, 0, nobody);
    },
    finds: 'hint sockets',
    says: /a ratecheck that runs as one lets all in, unless it is in the group/,
  },
  {
    what: 'a socket that is open to all because the configuration says so',
    plan: { settings: 'socket_mode: "0666";' },
    finds: 'hint sockets',
    says: /socket_mode 0666: every user of this host may have any address blocked/,
  },
  {
    what: 'a TCP listener by which everybody may block',
    plan: { settings: `port: ${port}; tcp_trusted: true;` },
    finds: 'hint sockets',
    says: /tcp_trusted: every user of this host may have any address blocked/,
  },
  {
    what: 'a TCP listener by which other hosts may block',
    plan: { settings: `port: ${port}; address: "0.0.0.0"; tcp_trusted: true;` },
    finds: 'hint sockets',
    says: /tcp_trusted: everybody who can reach 0\.0\.0\.0 may have any/,
  },
  {
    what: 'a control shell for everybody',
    plan: { settings: `control_port: ${port};` },
    finds: 'hint sockets',
    says: /control_port: every user of this host may block and unblock/,
  },
  {
    what: "an operator's socket that is open to its group",
    before: (site) => chmodSync(site.path('control.sock'), 0o660),
    finds: 'problem sockets',
    says: /control.sock has mode 0660/,
  },
]);

test('a directory of the socket that is open to permitted users is no finding', async () => {
  const site = newSite();
  await site.startRater();
  chmodSync(site.directory, 0o750);
  const { findings } = await examine(site);
  expect(kinds(findings)).not.toContainEqual(expect.stringMatching(/sockets/));
});
