/** Finds the present and past troubles of rater. */
import { renameSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { until } from '../../system/running-program.ts';
import { examine, findsEach, kinds, newSite, startAsked } from '../examination.ts';

const rules = ':allow\n';

findsEach([
  {
    what: 'limits that are switched off',
    async before(site) {
      await site.ipthrottle('var', 'enforce', 'off');
    },
    finds: 'hint troubles',
    says: /limits are only logged/,
  },
  {
    what: 'a class that is a dry run by its configuration',
    text: `settings : { socket: "rater.sock"; db_path: "blocks.db"; };
      limits : { ip: ( ("*", 60, 10) ); }; classes : { ip: { dry_run: true; }; };
      blocking : { peers: "peers"; };`,
    finds: 'hint troubles',
    says: /limits of the class ip are only logged, because it is a dry run/,
  },
  {
    what: 'a class that was made a dry run',
    async before(site) {
      await site.ipthrottle('var', 'classes.ip.dry_run', 'on');
    },
    finds: 'hint troubles',
    says: /limits of the class ip are only logged, because it is a dry run/,
  },
  {
    what: 'a trouble that is over',
    async before(site) {
      renameSync(site.path('peers'), site.path('away'));
      await site.ipthrottle('block', '192.0.2.1');
      renameSync(site.path('away'), site.path('peers'));
      await until('rater puts the block in force', () => site.peers().includes('192.0.2.1'));
      await until('all is well', async () => (await site.ipthrottle('status')).exit === 0);
    },
    finds: 'hint troubles',
    says: /files of a server could not be used.* \((once|\d+ times) since rater was started, last .*Z\), but no longer/,
  },
]);

test('it reports the troubles of the running daemon', async () => {
  const site = newSite({ rules });
  await startAsked(site);
  writeFileSync(site.path('rules'), '192.0.2.1:refuse\n');
  await site.ipthrottle('block', '192.0.2.1');
  const { exit, findings } = await examine(site);
  expect(kinds(findings)).toEqual(['problem troubles', 'problem rules']);
  expect(exit).toBe(1);
});
