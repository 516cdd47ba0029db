/**
 * The date is set while the real rater runs.
 *
 * Tests: src/runtime/clock.ts
 */
import { statSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { unless } from '../run/unless.ts';
import { fakeDate, noFakeDate, setDate } from './fake-date.ts';
import { ask } from './line-client.ts';
import { until } from './running-program.ts';
import { Site } from './site.ts';

const hour = 3600;
const blockSeconds = 120;

let site: Site;

afterEach(() => site.stop());

function siteWithDate(blocking: string): Site {
  return new Site({ blocking, seconds: blockSeconds, environment: fakeDate });
}

const endOf = (name: string) => statSync(site.path('peers', name)).mtimeMs / 1000;

/** For how many more seconds it is blocked, by its reply. */
async function secondsLeft(address: string, times = 1): Promise<number> {
  const lines = Array<string>(times).fill(`ip ${address}\n`);
  const said = await ask({ path: site.path('rater.sock') }, [lines.join('')]);
  return Number(/^1 \d+\/10 (\d+)\r\n$/m.exec(said.split('\n').slice(-2).join('\n'))?.[1]);
}

describe('blocks neither vanish nor become eternal', unless(noFakeDate), () => {
  test.each([
    ['silent', hour],
    ['silent', -hour],
    ['polite', hour],
    ['polite', -hour],
  ])('%s, when the date is set by %i seconds', async (mode, step) => {
    site = siteWithDate(`mode: "${mode}";`);
    setDate(site, 0);
    const rater = await site.startRater();
    const first = await secondsLeft('127.0.1.1', 11);
    const endBefore = endOf('127.0.1.1');

    setDate(site, step);
    await rater.says(new RegExp(`^rater: warn: clock set: seconds=${step} blocks=1$`, 'm'));
    const hasMoved = () => Math.abs(endOf('127.0.1.1') - endBefore - step) <= 1;
    await until('the file has the new end', hasMoved);
    const second = await secondsLeft('127.0.1.1');
    expect(second).toBeLessThanOrEqual(first);

    await rater.killedBy('SIGKILL');
    const again = await site.startRater();
    expect(await secondsLeft('127.0.1.1')).toBeLessThanOrEqual(second);
    expect(hasMoved()).toBe(true);

    setDate(site, 0);
    await again.says(new RegExp(`clock set: seconds=${-step} `));
    await until('the file has its old end', () => Math.abs(endOf('127.0.1.1') - endBefore) <= 1);
    expect(await secondsLeft('127.0.1.1')).toBeLessThanOrEqual(second);
    expect(again.said).not.toMatch(/unblocked|block ended|trouble/);
  });

  test('a block ends though the date is set back an hour', async () => {
    site = siteWithDate('');
    setDate(site, 0);
    const rater = await site.startRater();
    await site.ipthrottle('block', '127.0.1.1', '--for', '2s');
    setDate(site, -hour);
    await rater.says(/block ended: address=127\.0\.1\.1 /);
    expect(site.peers()).toEqual([]);
  });

  test('a block lasts at most its own time when rater starts with an earlier date', async () => {
    site = siteWithDate('');
    setDate(site, 0);
    const rater = await site.startRater();
    await secondsLeft('127.0.1.1', 11);
    await rater.killedBy('SIGKILL');
    setDate(site, -hour);
    await site.startRater();
    expect(await secondsLeft('127.0.1.1')).toBeLessThanOrEqual(blockSeconds);
  });
});
