import { expect, test } from 'vitest';
import type { CommandOptions } from '../../src/commands/command.ts';
import type { RunningDaemon } from '../../src/commands/running-daemon.ts';
import { CheckMetrics } from '../../src/health/check-metrics.ts';
import { address } from '../core/blocks.ts';
import { commandSite } from './site.ts';

const config = `
  limits   : { ip: ( ("*", 60, 3) ); user: ( ("*", 60, 10) ); };
  classes  : { user: { dry_run: true; }; };
  blocking : { time: 120; };`;

function site() {
  const its = commandSite(config);
  const clock = { wallMs: () => its.time.ms, monotonicMs: () => its.time.ms };
  const metrics = new CheckMetrics(clock);
  const daemon = { startedMs: its.time.ms, checkTotals: () => metrics.measured() };
  const top = (options: CommandOptions = {}) => {
    return its.run('top', options, { daemon: daemon as RunningDaemon });
  };
  const topJson = async (options: CommandOptions = {}) => {
    return JSON.parse(String((await top({ ...options, json: true }))[1]));
  };
  return { ...its, metrics, top, topJson };
}

test('top has a line for each value, with control characters escaped', async () => {
  const { asked, top, gatekeeper } = site();
  await asked('ip 192.0.2.1', 4);
  await asked('user \u001b[2J', 2);
  await asked('ip 192.0.2.2', 1);
  gatekeeper.allow(address('192.0.2.2'), undefined, '');
  expect(await top()).toEqual([
    0,
    'checks: 0, refused: 0, blocks: 1',
    'VALUE        CLASS  RATE      PER SECOND  SESSIONS  STATE',
    '192.0.2.1    ip     4/3/60s   0.4         0         blocked 2 minutes',
    '"\\u001b[2J"  user   2/10/60s  0.2         0         -',
    '192.0.2.2    ip     1/3/60s   0.1         0         allowed',
  ]);
  expect((await top({ rows: '1' })).slice(3)).toHaveLength(1);
  expect((await top({ class: 'user' })).slice(3)).toEqual([expect.stringContaining('user')]);
  expect((await top({ filter: '0.2.2' })).slice(3)).toEqual([expect.stringContaining('192.0.2.2')]);
});

test('top --json has all that a screen shows', async () => {
  const { asked, topJson, time, metrics, gatekeeper } = site();
  await asked('ip 192.0.2.1', 4);
  await asked('user bob', 2);
  gatekeeper.health.warn('connection refused', {}, 3);
  metrics.note('ip', { status: 0 }, time.ms, time.ms);
  time.ms += 5000;
  const screen = await topJson();
  expect(screen).toMatchObject({
    now: '2001-09-09T01:46:45.000Z',
    uptimeSeconds: 5,
    rates: [
      { seconds: 1, perSecond: 0 },
      { seconds: 10, perSecond: null },
      { seconds: 60, perSecond: null },
    ],
    counters: { checks: 1, within: 1, blocksMade: 1 },
    blocks: 1,
    trackedValues: 2,
    sessions: 0,
    enforce: true,
    dryRun: ['user'],
    classes: ['ip', 'user'],
    failedOpen: [{ mode: 'connection refused', count: 3, isNow: true }],
    troubles: [],
    chosenSecondsAgo: 0,
  });
  expect(screen.values).toMatchObject([
    {
      class: 'ip',
      value: '192.0.2.1',
      address: '192.0.2.1',
      count: 4,
      limit: 3,
      seconds: 60,
      pattern: '*',
      perSecond: 0.4,
      rememberedSeconds: 60,
      lastMinute: 4,
      sessions: 0,
      concurrent: null,
      allowlisted: false,
      block: { address: '192.0.2.1', secondsLeft: 115, source: 'rate' },
      wouldBlock: null,
    },
    { class: 'user', value: 'bob', address: null, count: 2, block: null },
  ]);
  expect(screen.values[0].history).toHaveLength(12);
});

test.each([
  [{ sort: 'size' }, '--sort is one of rate, count, left, address, not size'],
  [{ rows: '0' }, '--rows is a number from 1 to 100, not 0'],
  [{ rows: '101' }, '--rows is a number from 1 to 100, not 101'],
  [{ rows: '1e2' }, '--rows is a number from 1 to 100, not 1e2'],
  [{ class: '\u001b' }, 'no such class: "\\u001b"; there are ip, user'],
])('wrong usage: %j', async (options, what) => {
  expect(await site().top(options)).toEqual([100, `ipthrottle: error: wrong usage: ${what}`]);
});
