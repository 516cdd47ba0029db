/**
 * A client that comes too often gets in exactly as often as the limit says, however fast and
 * however parallel; nobody else notices.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { missing, unless } from '../run/unless.ts';
import { burst, fates, greeted, visit, visitAll } from './connections.ts';
import { until } from './running-program.ts';
import { secondsLeft } from './seconds-left.ts';
import { Site } from './site.ts';

const limit = 10;
const many = 1000;

const servers = [
  { name: 'tcpsvd -i', start: (site: Site) => site.startTcpsvd(), needs: ['tcpsvd'] },
  { name: 'tcpserver -x', start: (site: Site) => site.startTcpserver(), needs: ['tcpserver'] },
] as const;

describe.each(servers)('under $name', ({ start, needs }) => {
  const reason = missing(...needs);
  let site: Site;
  let port = 0;

  beforeAll(async () => {
    if (reason) return;
    site = new Site({ rules: ':allow\n' });
    await site.startRater();
    ({ port } = await start(site));
  });

  afterAll(() => site?.stop());

  test.for([1, 8, 32])(
    `exactly ${limit} of ${many} pass, %i at once`,
    unless(reason),
    async (concurrency) => {
      const source = `127.0.1.${concurrency}`;
      const visits = await burst(port, source, many, concurrency);
      expect(greeted(visits)).toBe(limit);
      // The client whose hit was one too many is told, and others until the server knows.
      expect(fates(visits).refused).toBeGreaterThanOrEqual(1);
      expect((await site.list()).map(({ address }) => address)).toContain(source);
      await until('the server itself drops it', async () => {
        const { fate } = await visit(port, source);
        expect(fate).not.toBe('greeted');
        return fate === 'dropped';
      });
    },
  );

  test('another address passes each time while one is refused', unless(reason), async () => {
    const sources = Array.from({ length: 300 }, (_, index) => {
      return index % 30 === 15 ? '127.0.2.2' : '127.0.2.1';
    });
    const visits = await visitAll(port, sources, 8);
    const of = (source: string) => visits.filter((_, index) => sources[index] === source);
    expect(fates(of('127.0.2.2'))).toEqual({ greeted: limit, refused: 0, dropped: 0 });
    expect(greeted(of('127.0.2.1'))).toBe(limit);
  });

  test('a 421 names the refused address and the seconds left', unless(reason), async () => {
    const visits = await burst(port, '127.0.3.1', limit + 1, 1);
    const words = '421 4\\.7\\.0 Too many connections from 127\\.0\\.3\\.1, try again in';
    expect(visits.at(-1)?.text).toMatch(new RegExp(`^${words} ${secondsLeft(120)} seconds\\r\\n$`));
  });
});
