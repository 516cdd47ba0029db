/** Finds a daemon that does not run, does not answer or uses other files than configured. */
import { appendFileSync, chmodSync, copyFileSync, mkdirSync, renameSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { unless } from '../../run/unless.ts';
import { cannotBecomeNobody, nobody } from '../../system/nobody.ts';
import { Site } from '../../system/site.ts';
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

test(
  'a configuration that is not the one that rater has read is found',
  unless(cannotBecomeNobody),
  async () => {
    const site = new Site({}, nobody);
    onTestFinished(() => site.stop());
    const rater = await site.startRater();
    expect((await examine(site)).findings).toEqual([]);
    renameSync(site.path('rater.conf'), site.path('old.conf'));
    site.configure({ seconds: 60 });
    chmodSync(site.path('rater.conf'), 0o600);
    await rater.says(/not reloaded: .*permission denied/);
    const findings = (await examine(site)).findings.filter(({ check }) => check === 'daemon');
    expect(findings).toHaveLength(1);
    expect(findings[0]?.what).toMatch(
      /works by an older .*rater\.conf, not by the one that is there/,
    );
    expect(findings[0]?.remedy).toBe('ipthrottle reload');
    chmodSync(site.path('rater.conf'), 0o644);
    expect(await site.ipthrottle('reload')).toMatchObject({ exit: 0 });
    expect((await examine(site)).findings.filter(({ check }) => check === 'daemon')).toEqual([]);
    copyFileSync(site.path('rater.conf'), site.path('other.conf'));
    appendFileSync(site.path('other.conf'), '# Another one.\n');
    const { stdout } = await site.ipthrottle('-c', site.path('other.conf'), 'doctor');
    expect(stdout).toMatch(
      /^problem: daemon: rater works by .*rater\.conf, which differs from .*other/m,
    );
  },
);

test('a daemon that does not answer is found within seconds', async () => {
  const site = newSite();
  const rater = await startAsked(site);
  rater.signal('SIGSTOP');
  const { findings } = await examine(site);
  expect(kinds(findings)).toEqual(['problem daemon']);
  expect(findings[0]?.what).toMatch(/does not answer: .*no answer in 5 seconds/);
});
