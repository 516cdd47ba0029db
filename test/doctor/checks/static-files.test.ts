/**
 * Finds the administrator's own peer files that do harm or will come to harm.
 *
 * Tests: src/doctor/checks/of-enforcers.ts, src/enforcers/peers/check-static-files.ts
 * Tests: src/enforcers/peers/examine-peers.ts
 */
import { chmodSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { wordsFrom } from '../../enforcers/words-from.ts';
import { missing, unless } from '../../run/unless.ts';
import { startMailServer } from '../../system/mail-server.ts';
import { findsEach, newSite, put } from '../examination.ts';

const noInstructions = [' +X=y', 'RELAYCLIENT=', 'deny'];

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
    what: 'lines that are no instruction',
    before: (site) => {
      put(site, '10', 0o444, ['# mine', '+A=b', '+B', 'C5', ...noInstructions].join('\n'));
      put(site, 'README', 0o444, 'notes\n');
    },
    finds: 'problem static-files',
    says: /passes over: 10:5 " \+X=y", 10:6 "RELAYCLIENT=", 10:7 deny; begin each line/,
  },
  {
    what: "the administrator's deny-all",
    before: (site) => put(site, '0', 0o000),
    finds: 'hint static-files',
    says: /peers\/0 refuses everybody/,
  },
]);

test('these are what tcpsvd calls bad instructions', unless(missing('tcpsvd')), async () => {
  const site = newSite();
  const good = ['# mine', '+A=b', '+B', 'C5'];
  put(site, '127', 0o444, [...good, ...noInstructions, ''].join('\n'));
  const options = ['-i', 'peers'];
  const { directory } = site;
  const { port, server } = await startMailServer('tcpsvd', {
    options,
    command: ['env'],
    directory,
  });
  onTestFinished(() => server.end());
  await wordsFrom('127.1.2.3', port);
  await server.says(/bad instruction: .*: deny/);
  const bad = server.said.match(/(?<=bad instruction: peers\/127: ).*/g);
  expect(bad).toEqual(noInstructions);
});
