/**
 * What an admin, a crash or a lost disk does to blocks behind rater's back. rater runs as an
 * ordinary user where the test may become one. See ipthrottle(7), "Blocks and files that disagree".
 */
import {
  chownSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { missing, unless } from '../run/unless.ts';
import { burst, fates, greeted } from './connections.ts';
import { cannotBecomeNobody, nobody } from './nobody.ts';
import { until } from './running-program.ts';
import { Site } from './site.ts';

const rules = ':allow\n';
const hour = ['--for', '1h'];
const users: readonly (readonly [string, number | undefined])[] = cannotBecomeNobody
  ? [['whoever runs the test', undefined]]
  : [
      ['root', undefined],
      ['nobody', nobody],
    ];

let site: Site;

afterEach(() => site.stop());

describe.each(users)('rater as %s', (_, user) => {
  test('rm of a file is an unblock, here and in the cdb, and is logged as such', async () => {
    site = new Site({ rules }, user);
    const rater = await site.startRater();
    await site.ipthrottle('block', '127.0.1.1', '127.0.1.2', ...hour);
    await until('both are in the cdb', () => site.isDeniedByCdb('127.0.1.2'));
    unlinkSync(site.path('peers', '127.0.1.1'));
    await rater.says(/unblocked: address=127\.0\.1\.1 .*by="file removed"/);
    expect((await site.list()).map(({ address }) => address)).toEqual(['127.0.1.2']);
    await until('it is out of the cdb', async () => !(await site.isDeniedByCdb('127.0.1.1')));
    expect(await site.isDeniedByCdb('127.0.1.2')).toBe(true);
    expect(site.peers()).toEqual(['127.0.1.2']);
  });

  test('a directory that is replaced gets all blocks, and is followed from then on', async () => {
    site = new Site({ rules }, user);
    const rater = await site.startRater();
    await site.ipthrottle('block', '127.0.1.1', '127.0.1.2', ...hour);
    mkdirSync(site.path('new'));
    if (user !== undefined) chownSync(site.path('new'), user, user);
    renameSync(site.path('peers'), site.path('old'));
    renameSync(site.path('new'), site.path('peers'));
    await until('both are back', () => site.peers().join() === '127.0.1.1,127.0.1.2');
    // The latter if it inspected while there was none.
    await rater.says(/reconciled: .*unblocked=0 restored=[12] |recovered: part="?peers /);
    expect(rater.said).not.toMatch(/unblocked: /);
    expect(await site.list()).toHaveLength(2);
    unlinkSync(site.path('peers', '127.0.1.1'));
    await rater.says(/unblocked: address=127\.0\.1\.1 /);
  });

  test('a database that is lost comes back from the peers directory', async () => {
    site = new Site({ rules }, user);
    const rater = await site.startRater();
    await site.ipthrottle('block', '127.0.1.1', '127.0.3.0/24', ...hour);
    writeFileSync(site.path('peers', '127.0.1.9'), '', { mode: 0o444 });
    const before = await site.list();
    const traits = ({ ino, mode, mtimeMs }: ReturnType<typeof lstatSync> & object) => {
      return [ino, mode, mtimeMs];
    };
    const files = () => site.peers().map((name) => traits(lstatSync(site.path('peers', name))));
    const filesBefore = files();
    await rater.killedBy('SIGKILL');
    for (const end of ['', '-wal', '-shm']) rmSync(site.path(`blocks.db${end}`), { force: true });

    const again = await site.startRater();
    expect(again.said).toMatch(/ready:.* blocks=2 /);
    const after = await site.list();
    const known = before.map((row) => ({ ...row, secondsLeft: expect.any(Number) }));
    expect(after).toHaveLength(2);
    for (const row of known) expect(after).toContainEqual(expect.objectContaining(row));
    expect(files()).toEqual(filesBefore);
    await until('the cdb has them', () => site.isDeniedByCdb('127.0.3.7'));
    expect(await site.ipthrottle('unblock', '--all')).toMatchObject({ exit: 0 });
    expect(site.peers()).toEqual(['127.0.1.9']);
  });

  test('a file removed while rater is dead is put back: unblock works without rater', async () => {
    site = new Site({ rules }, user);
    const rater = await site.startRater();
    await site.ipthrottle('block', '127.0.1.1', '127.0.1.2', ...hour);
    await rater.killedBy('SIGKILL');
    unlinkSync(site.path('peers', '127.0.1.1'));
    expect(await site.ipthrottle('unblock', '127.0.1.2')).toMatchObject({ exit: 0 });
    await site.startRater();
    expect(site.peers()).toEqual(['127.0.1.1']);
    expect((await site.list()).map(({ address }) => address)).toEqual(['127.0.1.1']);
  });
});

test('rm lets a client in and its count starts anew', unless(missing('tcpsvd')), async () => {
  site = new Site();
  const rater = await site.startRater();
  const { port } = await site.startTcpsvd();
  await burst(port, '127.0.1.1', 30);
  expect(fates(await burst(port, '127.0.1.1', 5))).toMatchObject({ dropped: 5 });
  unlinkSync(site.path('peers', '127.0.1.1'));
  await rater.says(/unblocked: /);
  expect(greeted(await burst(port, '127.0.1.1', 10))).toBe(10);
});

test('tcpsvd -t ends blocks, and unblocks none', unless(missing('tcpsvd')), async () => {
  site = new Site({ peersTimeout: 3600, seconds: 3 });
  const rater = await site.startRater();
  const { port } = await site.startTcpsvd();
  await burst(port, '127.0.1.1', 30);
  await until(
    'a connection is let in',
    async () => greeted(await burst(port, '127.0.1.1', 1)) === 1,
  );
  await rater.says(/block ended: address=127\.0\.1\.1 /);
  expect(rater.said).not.toMatch(/unblocked: /);
});
