/** Finds a daemon that does not run, does not answer or uses other files than configured. */
import { mkdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { cannotBecomeNobody, nobody } from '../../system/nobody.ts';
import { examine, findsEach, kinds, newSite, startAsked } from '../examination.ts';

findsEach([
  {
    // rater replaces a deleted socket within a second, too soon for doctor to find it for sure.
    what: 'a socket that rater does not listen at',
    before(site) {
      const text = 'settings : { socket: "elsewhere.sock"; db_path: "blocks.db"; };';
      site.configure(
        `${text} limits : { ip: ( ("*", 60, 10) ); }; blocking : { time: 120; peers: "peers"; };`,
      );
    },
    finds: 'problem daemon',
    says: /elsewhere.sock: rater runs, but nobody answers there \(ENOENT\), .*; rater listens anew within/,
  },
  {
    what: 'a configuration that rater was not restarted for',
    before(site) {
      mkdirSync(site.path('elsewhere'));
      const text = 'settings : { socket: "rater.sock"; db_path: "blocks.db"; };';
      site.configure(
        `${text} limits : { ip: ( ("*", 60, 10) ); }; blocking : { peers: "elsewhere"; };`,
      );
    },
    finds: 'problem daemon',
    says: /rater uses the peers directory .*peers, the configuration says .*elsewhere/,
  },
  {
    what: 'a user who may not ask rater',
    skip: cannotBecomeNobody,
    how: () => ({ user: nobody }),
    finds: 'problem daemon',
    says: /not permitted to ask rater/,
  },
]);

test('a daemon that does not answer is found within seconds', async () => {
  const site = newSite();
  const rater = await startAsked(site);
  rater.signal('SIGSTOP');
  const { findings } = await examine(site);
  expect(kinds(findings)).toEqual(['problem daemon']);
  expect(findings[0]?.what).toMatch(/does not answer: .*no answer in 5 seconds/);
});
