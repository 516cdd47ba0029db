/**
 * rater dies by kill -9: mail flows, blocks on disk hold, and when it is back it remembers.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { missing, unless } from '../run/unless.ts';
import { burst, fates, greeted } from './connections.ts';
import { until } from './running-program.ts';
import { Site } from './site.ts';

const servers = [
  { name: 'tcpsvd -i', start: (site: Site) => site.startTcpsvd(), needs: ['tcpsvd'] },
  { name: 'tcpserver -x', start: (site: Site) => site.startTcpserver(), needs: ['tcpserver'] },
] as const;

const limit = 10;
const offender = '127.0.1.1';

let site: Site;

afterEach(() => site.stop());

describe.each(servers)('under $name', ({ start, needs }) => {
  const reason = missing(...needs);

  test('without rater mail flows, ratecheck says so, blocks hold', unless(reason), async () => {
    site = new Site({ rules: ':allow\n' });
    const rater = await site.startRater();
    const { port, server } = await start(site);
    expect(greeted(await burst(port, offender, 100))).toBe(limit);
    await until('the block is in the cdb', () => site.isDeniedByCdb(offender));
    await rater.killedBy('SIGKILL');

    expect(server.said).not.toMatch(/^ratecheck: /m);
    expect(fates(await burst(port, '127.0.1.2', 50))).toMatchObject({ greeted: 50 });
    await server.says(/^ratecheck: warning: .*rater\.sock.*refused/m);
    const warnings = () => server.said.match(/^ratecheck: /gm)?.length ?? 0;
    await until('a warning for each', () => warnings() >= 50);
    expect(warnings()).toBe(50);
    expect(fates(await burst(port, offender, 50))).toMatchObject({ dropped: 50 });
  });

  test('started again, it remembers the blocks and counts again', unless(reason), async () => {
    site = new Site({ rules: ':allow\n' });
    const rater = await site.startRater();
    const { port } = await start(site);
    await burst(port, offender, 100);
    const before = await site.list();
    expect(before).toHaveLength(1);
    await rater.killedBy('SIGKILL');

    const again = await site.startRater();
    expect(again.said).toMatch(/ready:.* blocks=1 /);
    expect(await site.list()).toMatchObject([{ ...before[0], secondsLeft: expect.any(Number) }]);
    expect(fates(await burst(port, offender, 20))).toMatchObject({ dropped: 20 });
    expect(greeted(await burst(port, '127.0.1.3', 100))).toBe(limit);
  });

  test('a block that rater did not begin ends on time all the same', unless(reason), async () => {
    site = new Site({ rules: ':allow\n', seconds: 12 });
    const rater = await site.startRater();
    const { port } = await start(site);
    await burst(port, offender, 100);
    await rater.killedBy('SIGKILL');
    const [block] = await site.list();
    const endMs = Date.parse(block?.until ?? '');
    const again = await site.startRater();
    expect(again.said).toMatch(/ready:.* blocks=1 /);
    expect(Date.now()).toBeLessThan(endMs);
    await again.says(/block ended: address=127\.0\.1\.1 /);
    expect(Date.now()).toBeGreaterThanOrEqual(endMs);
    await until('the server lets it in', async () => greeted(await burst(port, offender, 1)) === 1);
    expect(site.peers()).toEqual([]);
    expect(await site.list()).toEqual([]);
  });
});

test('what expired while rater was down is gone as soon as it is ready', async () => {
  site = new Site({ rules: ':allow\n' });
  const rater = await site.startRater();
  await site.ipthrottle('block', '--for', '1h', '192.0.2.3');
  await site.ipthrottle('block', '--for', '5s', '192.0.2.1', '192.0.2.2');
  await rater.killedBy('SIGKILL');
  const over = Date.now() + 5000;
  await until('the short blocks are over', () => Date.now() > over);
  expect(site.peers()).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.3']);

  await site.startRater();
  expect(site.peers()).toEqual(['192.0.2.3']);
  expect((await site.list()).map(({ address }) => address)).toEqual(['192.0.2.3']);
  expect(await site.isDeniedByCdb('192.0.2.1')).toBe(false);
  expect(await site.isDeniedByCdb('192.0.2.3')).toBe(true);
});
