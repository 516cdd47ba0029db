/**
 * Sockets that are open to too many or too few are found.
 *
 * Tests: src/doctor/members.ts
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { freePort } from '../../run/free-port.ts';
import { notRoot, unless } from '../../run/unless.ts';
import { ask } from '../../system/line-client.ts';
import { nobody } from '../../system/nobody.ts';
import { examine, findsEach, kinds, newSite, startAsked } from '../examination.ts';

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
    what: 'a group of the socket that the user of rater is not in',
    skip: notRoot,
    dead(site) {
      site.configure({ settings: 'socket_group: "daemon";' });
      for (const path of [site.directory, site.path('peers')]) chownSync(path, nobody, nobody);
    },
    finds: 'hint sockets',
    says: /user of rater \(uid \d+\) is not in the group daemon, to which settings.socket_group/,
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

test('a socket at which only root and the user of rater may ask is found, until somebody asks', async () => {
  const site = newSite({ settings: `socket_group: ${process.getgid?.()};` });
  await site.startRater();
  const others = spawnSync('getent', ['group', String(process.getgid?.())], { encoding: 'utf8' });
  expect(others.stdout.trimEnd()).toMatch(/:$/);
  const { exit, findings } = await examine(site);
  expect(findings.map(({ check, level, what }) => `${level} ${check}: ${what}`)).toEqual([
    expect.stringMatching(
      /^problem sockets: .*sock: nobody but root and the user of rater may ask/,
    ),
  ]);
  expect(findings[0]?.remedy).toContain('settings.socket_group');
  expect(exit).toBe(1);
  await ask({ path: site.path('rater.sock') }, ['ip 192.0.2.1\n']);
  expect(await examine(site)).toMatchObject({ exit: 0, findings: [] });
});

test('a socket for a group that others are in is no finding', unless(notRoot), async () => {
  const site = newSite({ settings: `socket_group: ${nobody};` });
  await site.startRater();
  expect(await examine(site)).toMatchObject({ exit: 0, findings: [] });
});

test('a directory further up that is closed to ratecheck is found', async () => {
  const site = newSite();
  mkdirSync(site.path('below'));
  const places = 'socket: "below/rater.sock"; control: "control.sock"; db_path: "blocks.db";';
  const rest = 'limits : { ip: ( ("*", 60, 10) ); }; blocking : { peers: "peers"; };';
  site.configure(`settings : { ${places} }; ${rest}`);
  await site.startRater();
  await ask({ path: site.path('below', 'rater.sock') }, ['ip 127.0.0.1\n']);
  chmodSync(site.directory, 0o700);
  expect((await examine(site)).findings.map(({ what }) => what)).toEqual([
    `${site.directory} is closed to other users: a ratecheck that runs as one lets all in`,
  ]);
});

test('a directory of the socket that is open to permitted users is no finding', async () => {
  const site = newSite();
  await startAsked(site);
  chmodSync(site.directory, 0o750);
  const { findings } = await examine(site);
  expect(kinds(findings)).not.toContainEqual(expect.stringMatching(/sockets/));
});
