/** What a reload has changed, in words. */
import { expect, test } from 'vitest';
import { configChanges } from '../../src/config/config-changes.ts';
import { configFrom } from '../gatekeeper/site.ts';

function changes(before: string, after: string): string[] {
  const limits = (text: string) =>
    /\blimits\b/.test(text) ? '' : 'limits : { ip: ( ("*", 60, 3) ); };';
  const [from, to] = [before, after].map((text) => configFrom(`${limits(text)} ${text}`));
  if (!from || !to) throw new Error('no configuration');
  // Each is in a directory of its own.
  return configChanges(from, to).filter((change) => !change.includes('/tmp'));
}

test.for([
  { before: '', after: '', said: [] },
  {
    before: 'settings : { max_age: 90; };',
    after: 'settings : { max_age: 60; log_level: 4; };',
    said: ['settings.max_age 90 -> 60', 'settings.log_level 3 -> 4'],
  },
  {
    before: 'blocking : { time: (60, 600); };',
    after: 'blocking : { time: (60, 700); peers_timeout: 60; peers: "/p"; };',
    said: [
      'blocking.time [60,600] -> [60,700]',
      'blocking.peers - -> /p',
      'blocking.peers_timeout - -> 60',
    ],
  },
  {
    before: 'limits : { ip: ( ("*", 60, 3) ); old: (); };',
    after: 'limits : { ip: ( ("*", (60, 3), (3600, 30)) ); new: ( ("a*", 1, 2) ); };',
    said: [
      'limits.ip (("*", 60, 3)) -> (("*", 60, 3, 3600, 30))',
      'limits.old () -> -',
      'limits.new - -> (("a*", 1, 2))',
    ],
  },
  {
    before: 'classes : { ip: { prefix4: 24; }; };',
    after: 'classes : { ip: { dry_run: true; concurrent: 3; }; };',
    said: [
      'classes.ip.prefix4 24 -> 32',
      'classes.ip.concurrent - -> 3',
      'classes.ip.dry_run false -> true',
    ],
  },
  {
    before: 'allow : ( "192.0.2.1", "10.0.0.0/8" );',
    after: 'allow : ( "10.0.0.0/8", "2001:DB8::/32" );',
    said: ['allow +2001:db8::/32', 'allow -192.0.2.1'],
  },
])('$after after $before', ({ before, after, said }) => {
  expect(changes(before, after)).toEqual(said);
});

test('of a long value only the name is said', () => {
  const many = Array.from({ length: 20 }, (_, number) => `("192.0.2.${number}", 60, 1)`).join();
  expect(changes('', `limits : { ip: ( ${many} ); };`)).toEqual(['limits.ip']);
});
