/** Tests: src/gatekeeper/busy-value.ts */
import { describe, expect, test } from 'vitest';
import type { BusyRequest } from '../../src/gatekeeper/busy-values.ts';
import { address } from '../core/blocks.ts';
import { gatekeeperSite, session } from './site.ts';

const config = `
  limits   : { ip: ( ("192.0.2.*", 60, 5), ("*", 60, 10) ); user: ( ("*", (10, 4), (3600, 100)) ); };
  classes  : { ip: { concurrent: 3; }; };
  blocking : { time: 120; };
  allow    : ( "198.51.100.0/24" );`;

function gatekeeperBusy(text: string) {
  const { gatekeeper } = gatekeeperSite(text);
  const request = { order: 'left', rows: 100, class: undefined, filter: '' } as const;
  return { gatekeeper, get: async () => (await gatekeeper.busyValues.get(request)).values };
}

function site() {
  const its = gatekeeperSite(config);
  const get = async (changes: Partial<BusyRequest> = {}) => {
    const usual = { order: 'rate', rows: 100, class: undefined, filter: '' } as const;
    return its.gatekeeper.busyValues.get({ ...usual, ...changes });
  };
  const names = async (changes: Partial<BusyRequest> = {}) => {
    return (await get(changes)).values.map(({ value }) => value);
  };
  return { ...its, get, names };
}

test('values are in the order that was asked for', async () => {
  const { asked, names, gatekeeper, time } = site();
  await asked('ip 203.0.113.1', 7);
  time.ms += 20_000;
  await asked('ip 203.0.113.20', 3);
  await asked('ip 192.0.2.1', 4);
  await asked('user 203.0.113.3', 1);
  gatekeeper.block({ address: address('192.0.2.1'), seconds: 60, reason: '' });
  gatekeeper.block({ address: address('192.0.2.9'), seconds: 30, reason: '' });
  expect(await names()).toEqual(['192.0.2.1', '203.0.113.20', '203.0.113.3', '203.0.113.1']);
  expect(await names({ order: 'count' })).toEqual([
    ...['192.0.2.1', '203.0.113.1', '203.0.113.20', '203.0.113.3'],
  ]);
  expect(await names({ order: 'address' })).toEqual([
    ...['192.0.2.1', '203.0.113.1', '203.0.113.3', '203.0.113.20'],
  ]);
  expect(await names({ order: 'left' })).toEqual(['192.0.2.9', '192.0.2.1']);
  expect(await names({ rows: 2 })).toEqual(['192.0.2.1', '203.0.113.20']);
  expect(await names({ class: 'user' })).toEqual(['203.0.113.3']);
  expect(await names({ filter: '113.2' })).toEqual(['203.0.113.20']);
  expect(await names({ order: 'left', filter: '2.9' })).toEqual(['192.0.2.9']);
});

describe('of each value it knows', () => {
  test('its limit, hits, sessions and block', async () => {
    const { ask, asked, get } = site();
    await ask('ip 192.0.2.1', session());
    await asked('ip 192.0.2.1', 4);
    const [one, ...others] = (await get()).values;
    expect(others).toEqual([]);
    expect(one).toMatchObject({
      class: 'ip',
      address: { text: '192.0.2.1' },
      count: 5,
      rate: { seconds: 60, count: 5 },
      pattern: '192.0.2.*',
      perSecond: 0.5,
      rememberedMs: 60_000,
      lastMinute: 5,
      sessions: 1,
      concurrent: 3,
      isAllowed: false,
      block: undefined,
    });
    await asked('ip 192.0.2.1', 1);
    expect((await get()).values).toMatchObject([{ count: 6, block: { class: 'ip', count: 6 } }]);
  });

  test('that it is allowlisted, and then has no limit', async () => {
    const { asked, get } = site();
    await asked('ip 198.51.100.7', 20);
    expect((await get()).values).toMatchObject([
      { isAllowed: true, rate: { count: -1 }, pattern: undefined, count: 20, perSecond: 2 },
    ]);
  });

  test('that a user who is called like an address is none', async () => {
    const { asked, get } = site();
    await asked('user 198.51.100.7', 1);
    expect((await get()).values).toMatchObject([{ address: undefined, isAllowed: false }]);
  });

  test('the window that is the fullest', async () => {
    const { asked, get } = site();
    await asked('user bob', 3);
    const [bob] = (await get()).values;
    expect(bob).toMatchObject({ count: 3, rate: { seconds: 10, count: 4 }, lastMinute: 3 });
  });

  test('the pace of a full window, which has forgotten the minute', async () => {
    const { asked, get, time } = site();
    for (let hit = 0; hit < 50; hit += 1) {
      await asked('user bob', 10);
      time.ms += 100;
    }
    const [bob] = (await get()).values;
    // Two hundred hits of the last two seconds.
    expect(bob).toMatchObject({ rememberedMs: 2000, perSecond: 100, lastMinute: undefined });
    expect(bob?.history.filter((hits) => hits !== undefined)).toEqual([200]);
  });

  test('its hits by ten seconds, as far as the window remembers', async () => {
    const { asked, get, time } = site();
    time.ms = Math.ceil(time.ms / 10_000) * 10_000;
    for (const times of [1, 2, 0, 3]) {
      await asked('ip 203.0.113.1', times);
      time.ms += 10_000;
    }
    await asked('ip 203.0.113.1', 4);
    time.ms += 5000;
    const { values, tick } = await get();
    expect(tick).toBe(Math.floor(time.ms / 10_000));
    expect(values[0]?.history.map((hits) => hits ?? '-').join(' ')).toBe('- - - - - - 0 1 2 0 3 4');
  });
});

test('values are looked for anew after a hundred times as long as that took, at most twenty seconds', async () => {
  const { asked, get, gatekeeper, time } = site();
  await asked('ip 203.0.113.1', 1);
  // The clock moves with each look at it: all takes long.
  const { text } = address('203.0.113.9');
  let readings = 0;
  const now = time.ms;
  Object.defineProperty(time, 'ms', { get: () => now + readings++ });
  await get();
  await asked(`ip ${text}`, 1);
  const texts = async () => (await get()).values.map(({ value }) => value);
  expect(await texts()).toEqual(['203.0.113.1']);
  readings += 15_000;
  expect(await texts()).toEqual(['203.0.113.1']);
  readings += 5000;
  expect(await texts()).toContain(text);
  expect(gatekeeper.trackedValues).toBe(2);
});

test('a value without hits and block is over', async () => {
  const { asked, names, time } = site();
  await asked('ip 203.0.113.1', 2);
  expect(await names()).toEqual(['203.0.113.1']);
  time.ms += 60_000;
  expect(await names()).toEqual([]);
});

test('a block is shown also if its class is not in the configuration', async () => {
  const { gatekeeper, get } = gatekeeperBusy('limits : { mail: ( ("*", 60, 5) ); };');
  gatekeeper.block({ address: address('192.0.2.9'), seconds: 30, reason: '' });
  expect(await get()).toMatchObject([
    {
      class: 'ip',
      value: '192.0.2.9',
      count: 0,
      rate: { count: -1 },
      block: { untilMs: expect.any(Number) },
    },
  ]);
});
