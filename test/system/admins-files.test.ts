/**
 * The admin's files keep their bytes, modes and times, whatever happens to the addresses that they
 * name; and an allowlisted client is never refused.
 */
import { chmodSync, lstatSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { missing, unless } from '../run/unless.ts';
import { burst, fates, greeted } from './connections.ts';
import { until } from './running-program.ts';
import { Site } from './site.ts';

const lastYear = 1_700_000_000;

const adminFiles = [
  { name: '127.0.1.1', mode: 0o444, text: '' },
  { name: '127.0.1.2', mode: 0o000, text: '' },
  { name: '127.0.1.3', mode: 0o200, text: 'my own deny' },
  { name: '127.0.1.4', mode: 0o555, text: '#!/bin/sh\nexec /bin/echo "220 instead"\n' },
  { name: '127.0.2', mode: 0o444, text: '+RELAYCLIENT=\n' },
  { name: '0', mode: 0o444, text: '' },
] as const;

const rules = '127.0.1.2:deny\n127.0.1.1:allow,RELAYCLIENT=""\n# a note\n:allow\n';
const addresses = ['127.0.1.1', '127.0.1.2', '127.0.1.3', '127.0.1.4', '127.0.2.0/24'];
const reason = missing('tcpsvd', 'tcpserver');

let site: Site;

afterEach(() => site.stop());

function adminSite(plan: ConstructorParameters<typeof Site>[0] = {}): Site {
  const made = new Site({ rules, ...plan });
  for (const { name, mode, text } of adminFiles) {
    const path = made.path('peers', name);
    writeFileSync(path, text);
    chmodSync(path, mode);
    utimesSync(path, lastYear, lastYear);
  }
  chmodSync(made.path('rules'), 0o440);
  utimesSync(made.path('rules'), lastYear, lastYear);
  return made;
}

/** Everything that can be learned about the admin's files without touching them. */
function snapshot() {
  const paths = [...adminFiles.map(({ name }) => site.path('peers', name)), site.path('rules')];
  return paths.map((path) => {
    const { ino, mode, mtimeMs, ctimeMs, size, uid, gid } = lstatSync(path);
    const text = process.getuid?.() === 0 || mode & 0o400 ? readFileSync(path, 'latin1') : '';
    return { path, ino, mode, mtimeMs, ctimeMs, size, uid, gid, text };
  });
}

test.each(['running', 'down'])('block, unblock and reap touch none, rater %s', async (state) => {
  site = adminSite();
  const before = snapshot();
  const rater = await site.startRater();
  if (state === 'down') await rater.killedBy('SIGKILL');

  expect(await site.ipthrottle('block', ...addresses, '--for', '1h')).toMatchObject({ exit: 0 });
  expect(snapshot()).toEqual(before);
  expect(await site.ipthrottle('block', ...addresses, '--for', '2h')).toMatchObject({ exit: 0 });
  expect(await site.ipthrottle('unblock', '127.0.1.3')).toMatchObject({ exit: 0 });
  expect(await site.ipthrottle('unblock', '--all')).toMatchObject({ exit: 0 });
  expect(snapshot()).toEqual(before);
  await site.ipthrottle('block', ...addresses, '--for', '1');
  await until('the blocks are over', async () => (await site.list()).length === 0);
  expect(await site.ipthrottle('reap')).toMatchObject({ exit: 0 });
  expect(snapshot()).toEqual(before);
  expect(site.peers()).toEqual(adminFiles.map(({ name }) => name).sort());
});

test("a restart with blocks on the admin's own addresses touches none", async () => {
  site = adminSite();
  const before = snapshot();
  const rater = await site.startRater();
  await site.ipthrottle('block', ...addresses, '--for', '1h');
  await rater.killedBy('SIGKILL');
  await site.startRater();
  expect(snapshot()).toEqual(before);
});

test(
  "a client that is too fast is refused although the admin's file lets it in",
  unless(reason),
  async () => {
    site = adminSite();
    const before = snapshot();
    await site.startRater();
    const { port } = await site.startTcpsvd();
    const visits = await burst(port, '127.0.1.1', 50);
    expect(fates(visits)).toEqual({ greeted: 10, refused: 40, dropped: 0 });
    expect(snapshot()).toEqual(before);
    expect(fates(await burst(port, '127.0.1.3', 5))).toMatchObject({ dropped: 5 });
  },
);

test('an address on the allowlist is neither refused nor blocked', unless(reason), async () => {
  site = new Site({ rules: ':allow\n', allow: ['127.0.3.0/24'] });
  await site.startRater();
  const { port } = await site.startTcpsvd();
  const { port: other } = await site.startTcpserver();
  expect(greeted(await burst(port, '127.0.3.7', 100))).toBe(100);
  expect(greeted(await burst(other, '127.0.3.7', 100))).toBe(100);
  for (const address of ['127.0.3.7', '127.0.3.0/25', '127.0.0.0/8']) {
    const { exit, stderr } = await site.ipthrottle('block', address);
    expect({ exit, stderr }).toMatchObject({
      exit: 100,
      stderr: expect.stringMatching(/allowlist/),
    });
  }
  expect(site.peers()).toEqual([]);
  expect(await site.list()).toEqual([]);
});

test('a change of the rules is compiled, with the blocks in front', unless(reason), async () => {
  site = new Site({ rules: ':allow\n' });
  await site.startRater();
  await site.ipthrottle('block', '127.0.1.1');
  await until('the block is in the cdb', () => site.isDeniedByCdb('127.0.1.1'));
  writeFileSync(site.path('rules'), '127.0.1.1:allow\n127.0.1.9:deny\n:allow\n');
  await until('the new rule is in the cdb', () => site.isDeniedByCdb('127.0.1.9'));
  expect(await site.isDeniedByCdb('127.0.1.1')).toBe(true);
});
