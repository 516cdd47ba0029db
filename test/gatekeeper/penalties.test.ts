import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { doNow } from '../../src/runtime/work.ts';
import { address } from '../core/blocks.ts';
import { configFrom, gatekeeperSite as site } from './site.ts';

function config(blocking: string, classes = ''): string {
  return `limits : { ip: ( ("*", 60, 2) ); user: ( ("*", 60, 2) ); }; ${classes}
    blocking : { ${blocking} };`;
}

const dry = 'classes : { ip: { dry_run: true; }; user: { dry_run: true; }; };';
const one = address('192.0.2.1');

type Site = ReturnType<typeof site>;

/** Exceeds the limit, waits until the block is over, and returns how long that took. */
async function offend({ asked, time, gatekeeper }: Site): Promise<number> {
  const replies = await asked('ip 192.0.2.1', 3);
  expect(replies.slice(0, 2), 'the threshold is as ever').toEqual(['0 1/2', '0 2/2']);
  const block = gatekeeper.blocks.covering(one);
  const seconds = Number(replies[2]?.split(' ')[2]);
  expect(block?.untilMs).toBe(time.ms + seconds * 1000);
  time.ms += seconds * 1000;
  return seconds;
}

async function offences(place: Site, many: number): Promise<number[]> {
  const seconds: number[] = [];
  while (seconds.length < many) seconds.push(await offend(place));
  return seconds;
}

test('each offence has its own time, and further ones have the last', async () => {
  expect(await offences(site(config('time: (120, 600, 3600)')), 5)).toEqual([
    120, 600, 3600, 3600, 3600,
  ]);
});

test('after the last time, the factor applies up to the cap', async () => {
  expect(await offences(site(config('time: (60, 100); factor: 2.5; cap: 1000')), 6)).toEqual([
    60, 100, 250, 625, 1000, 1000,
  ]);
});

test('the block tells which offence it is', async () => {
  const place = site(config('time: (120, 600)'));
  await offences(place, 2);
  await place.asked('ip 192.0.2.1', 3);
  expect(place.gatekeeper.blocks.all()).toMatchObject([{ times: 3, source: 'rate' }]);
  expect(place.lines.filter((line) => line.startsWith('blocked')).at(-1)).toMatch(/"times":3/);
});

test('time without offences forgets them one by one', async () => {
  const place = site(config('time: (120, 600, 3600); decay: 86400'));
  await offences(place, 2);
  place.time.ms += 86_400_000 - 600_000;
  expect(place.gatekeeper.verdicts.nextPenalty(one)).toEqual({ offences: 1, nextSeconds: 600 });
  expect(await offend(place)).toBe(600);
  place.time.ms += 5 * 86_400_000;
  expect(await offend(place)).toBe(120);
});

test('offences are remembered through a restart', async () => {
  const place = site(config('time: (120, 600, 3600)'));
  await offences(place, 2);
  expect(place.start().verdicts.nextPenalty(one)).toEqual({ offences: 2, nextSeconds: 3600 });
});

test('jitter makes a block longer by a share, but not the forecast', async () => {
  const place = site(config('time: 100; jitter: 50'));
  place.world.random = 0.5;
  expect(place.gatekeeper.verdicts.nextPenalty(one).nextSeconds).toBe(100);
  expect(await offend(place)).toBe(125);
  place.world.random = 0;
  expect(await offend(place)).toBe(100);
});

test("an operator's block lasts as long as the first one and is an offence too", async () => {
  const place = site(config('time: (120, 600); jitter: 50'));
  place.world.random = 0.5;
  const order = { address: one, seconds: undefined, reason: '' };
  const { sinceMs, untilMs, times } = place.gatekeeper.block(order);
  expect([untilMs - sinceMs, times]).toEqual([120_000, 1]);
  expect(place.gatekeeper.verdicts.nextPenalty(one)).toEqual({ offences: 1, nextSeconds: 600 });
});

test('unblocking forgets no offence', async () => {
  const place = site(config('time: (120, 600)'));
  await place.asked('ip 192.0.2.1', 3);
  place.gatekeeper.unblock(one);
  expect(await offend(place)).toBe(600);
});

test('networks have their own offences', async () => {
  const place = site(config('time: (120, 600)'));
  for (const last of [1, 2, 3]) await place.ask(`ip 2001:db8::${last}`);
  expect(place.gatekeeper.verdicts.nextPenalty(address('2001:db8::/64')).offences).toBe(1);
  const [usage] = await place.gatekeeper.usages(address('2001:db8::77'));
  expect(usage).toMatchObject({ value: '2001:db8::/64', nextPenalty: { offences: 1 } });
});

test('a dry run lets everybody in, logs a block once, and changes nothing', async () => {
  const { asked, gatekeeper, store, peers, lines, time } = site(config('time: 120', dry));
  const replies = await asked('ip 192.0.2.1', 5);
  expect(replies).toEqual(['0 1/2', '0 2/2', '0 3/2', '0 4/2', '0 4/2']);
  expect(lines).toEqual([
    'would block {"address":"192.0.2.1","class":"ip","rate":"3/2","for":120}',
  ]);
  expect([store.all(), readdirSync(peers), gatekeeper.blocks.size]).toEqual([[], [], 0]);
  expect(store.offences(one).times).toBe(0);
  expect(gatekeeper.dryRuns.all()).toMatchObject([
    { address: one, class: 'ip', source: 'dry run', times: 1, untilMs: time.ms + 120_000 },
  ]);
  time.ms += 120_000;
  expect(gatekeeper.dryRuns.all()).toEqual([]);
  await asked('ip 192.0.2.1', 4);
  expect(lines).toHaveLength(2);
});

test('a dry run of a class that blocks nothing logs when it would begin to refuse', async () => {
  const { asked, lines } = site(config('time: 120', dry));
  expect(await asked('user x', 5)).toEqual(['0 1/2', '0 2/2', '0 3/2', '0 4/2', '0 4/2']);
  expect(lines).toEqual(['would refuse {"class":"user","value":"x","why":"rate","rate":"3/2"}']);
});

test('a dry run that has ended is forgotten, and then the class blocks', async () => {
  const { asked, gatekeeper, peers } = site(config('time: 120', dry));
  await asked('ip 192.0.2.1', 3);
  gatekeeper.configure(configFrom(config('time: 120')));
  expect(gatekeeper.dryRuns.all()).toEqual([]);
  expect(await asked('ip 192.0.2.1', 1)).toEqual(['1 4/2 120']);
  expect(readdirSync(peers)).toEqual(['192.0.2.1']);
});

test('blocks from before a dry run stay until they end', async () => {
  const { asked, gatekeeper } = site(config('time: 120'));
  await asked('ip 192.0.2.1', 3);
  gatekeeper.configure(configFrom(config('time: 120', dry)));
  expect(await asked('ip 192.0.2.1', 1)).toEqual(['1 4/2 120']);
});

test('dry runs that are over take no memory', async () => {
  const { asked, gatekeeper, time } = site(config('time: 120', dry));
  await asked('ip 192.0.2.1', 3);
  time.ms += 120_000;
  doNow(gatekeeper.sweeping());
  time.ms -= 60_000;
  expect(gatekeeper.dryRuns.all()).toEqual([]);
});
