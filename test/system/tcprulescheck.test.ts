/**
 * `ipthrottle check` and tcprulescheck(1), which asks the cdb as tcpserver would, say the same.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { missing, unless } from '../run/unless.ts';
import { until } from './running-program.ts';
import { Site } from './site.ts';

const rules = [
  '192.0.2.66:deny',
  '198.51.100.:deny',
  '198.51.100.7:allow',
  '203.0.113.5:allow,RELAYCLIENT=""',
  '203.0.113.6-8:deny',
  ':allow',
  '',
].join('\n');

const blocked = ['192.0.2.1', '203.0.113.5', '10.1.2.0/24'];

const addresses = [
  { address: '192.0.2.1', is: 'blocked', refused: true },
  { address: '203.0.113.5', is: 'blocked although the admin allows it', refused: true },
  { address: '10.1.2.77', is: 'in a blocked network', refused: true },
  { address: '10.1.3.77', is: 'beside a blocked network', refused: false },
  { address: '192.0.2.2', is: 'known to nobody', refused: false },
  { address: '192.0.2.66', is: 'denied by the admin', refused: true },
  { address: '198.51.100.8', is: 'in a prefix that the admin denies', refused: true },
  { address: '198.51.100.7', is: 'allowed by the admin in a denied prefix', refused: false },
  { address: '203.0.113.7', is: 'in a range that the admin denies', refused: true },
  { address: '127.0.0.9', is: 'allowlisted', refused: false },
  { address: '2001:db8::1', is: 'IPv6 and known to nobody', refused: false },
] as const;

const reason = missing('tcprulescheck');

describe.each(['running', 'down'])('with the daemon %s', (state) => {
  let site: Site;

  beforeAll(async () => {
    site = new Site({ rules, allow: ['127.0.0.0/8'] });
    const rater = await site.startRater();
    expect(await site.ipthrottle('block', ...blocked)).toMatchObject({ exit: 0 });
    await until('the blocks are in the cdb', () => site.isDeniedByCdb('10.1.2.77'));
    if (state === 'down') await rater.killedBy('SIGKILL');
  });

  afterAll(() => site?.stop());

  test.for(addresses)(
    '$address, $is: both say so',
    unless(reason),
    async ({ address, refused }) => {
      expect(await site.isDeniedByCdb(address)).toBe(refused);
      const { exit, stdout } = await site.ipthrottle('check', address);
      expect(exit, stdout).toBe(refused ? 1 : 0);
    },
  );

  test('when a block is lifted, both say so', unless(reason), async () => {
    expect(await site.ipthrottle('unblock', '192.0.2.1')).toMatchObject({ exit: 0 });
    expect(await site.ipthrottle('check', '192.0.2.1')).toMatchObject({ exit: 0 });
    await until('tcpserver lets it in', async () => !(await site.isDeniedByCdb('192.0.2.1')));
    expect(await site.isDeniedByCdb('203.0.113.5')).toBe(true);
  });

  test('check explains blocks that no cdb key can express', unless(reason), async () => {
    expect(await site.ipthrottle('block', '2001:db8::66')).toMatchObject({ exit: 0 });
    expect(await site.isDeniedByCdb('2001:db8::66')).toBe(false);
    const { exit, stdout } = await site.ipthrottle('check', '2001:db8::66');
    expect(exit).toBe(1);
    expect(stdout).toMatch(/tcprules .*: not refused there/);
  });
});

test(
  'a program that has the cdb open while it changes reads all of the old one',
  unless(reason),
  async () => {
    const site = new Site({ rules: ':allow\n' });
    try {
      await site.startRater();
      const reader = openSync(site.path('rules.cdb'), 'r');
      const before = readFileSync(site.path('rules.cdb'));
      await site.ipthrottle('block', '192.0.2.1');
      await until('the block is in the cdb', () => site.isDeniedByCdb('192.0.2.1'));
      expect(readFileSync(reader)).toEqual(before);
      closeSync(reader);
    } finally {
      await site.stop();
    }
  },
);

test(
  'blocks of the store are in the cdb as soon as all are said to be in force',
  unless(reason),
  async () => {
    const wide = Array.from({ length: 65_536 }, (_, n) => `10.9.${n >> 8}.${n & 255}:deny\n`);
    const site = new Site({ rules: wide.join('') });
    try {
      const rater = await site.startRater();
      await site.ipthrottle('block', '192.0.2.1');
      await rater.killedBy('SIGKILL');
      // Somebody else compiles the rules, as vpopmail's clearopensmtp does.
      execFileSync('tcprules', [site.path('rules.cdb'), site.path('tmp')], { input: ':allow\n' });
      expect(await site.isDeniedByCdb('192.0.2.1')).toBe(false);
      rmSync(site.path('rater.sock'));
      await site.spawnRater().says(/all in force: blocks=1 /);
      renameSync(site.path('rules.cdb'), site.path('then.cdb'));
      expect(await site.isDeniedByCdb('192.0.2.1', 'then.cdb')).toBe(true);
    } finally {
      await site.stop();
    }
  },
);
