/**
 * `history`: who did what, and what is asked for.
 *
 * Tests: src/commands/json-lines.ts
 */
import { expect, test } from 'vitest';
import { localTime } from '../../src/commands/local-time.ts';
import { commandSite as site } from './site.ts';

const config = `limits : { ip: ( ("*", 60, 3) ); net: ( ("*", 60, 4) ); };
  classes : { net: { prefix4: 24; dry_run: true; }; };
  blocking : { classes: ("ip", "net"); time: (120, 600); };`;

test('history tells blocks, their ends, dry runs, and what operators did, the latest last', async () => {
  const { run, asked, time, gatekeeper } = site(config);
  const start = time.ms;
  const by = { by: 'alice' };
  await asked('ip 192.0.2.1', 4);
  time.ms += 120_000;
  gatekeeper.blocks.reap();
  await asked('ip 192.0.2.1', 4);
  time.ms += 60_000;
  await run('unblock 192.0.2.1', {}, by);
  await asked('net 198.51.100.7', 5);
  await run('block 203.0.113.0/24', { for: '2h', reason: 'noise: "loud"' }, by);
  await run('allow add 203.0.113.7', { for: '1h' }, by);
  await run('allow del 203.0.113.7');
  const at = (seconds: number) => localTime(start + 1000 * seconds);
  expect(await run('history')).toEqual([
    0,
    'TIME                       EVENT        VALUE            WHAT',
    `${at(0)}  blocked      192.0.2.1        by rater for 2 minutes, class ip, rate 4/3/60s, times 1`,
    `${at(120)}  block ended  192.0.2.1        by rater after 2 minutes, class ip, rate 4/3/60s, times 1`,
    `${at(120)}  blocked      192.0.2.1        by rater for 10 minutes, class ip, rate 4/3/60s, times 2`,
    `${at(180)}  unblocked    192.0.2.1        by alice after 60 seconds, class ip, rate 4/3/60s, times 2`,
    `${at(180)}  would block  198.51.100.0/24  by rater for 2 minutes, class net, rate 5/4/60s, times 1`,
    `${at(180)}  blocked      203.0.113.0/24   by alice for 2 hours, class ip, times 1: noise: "loud"`,
    `${at(180)}  allowed      203.0.113.7      by alice for 1 hour`,
    `${at(180)}  unblocked    203.0.113.0/24   by alice after 0 seconds, class ip, times 1: allowlisted`,
    `${at(180)}  disallowed   203.0.113.7      by operator`,
  ]);
  const [, first] = await run('history 192.0.2.1', { jsonl: true });
  expect(JSON.parse(String(first))).toEqual({
    time: new Date(start).toISOString(),
    event: 'blocked',
    class: 'ip',
    value: '192.0.2.1',
    by: 'rater',
    reason: null,
    forSeconds: 120,
    count: 4,
    limit: 3,
    seconds: 60,
    times: 1,
  });
});

test('history finds an address, a network, a value, a class, an event and a time', async () => {
  const { run, time } = site(config);
  const words = async (line: string, options = {}) => {
    const [exit, ...lines] = await run(line, { ...options, jsonl: true });
    return [exit, ...lines.map((text) => JSON.parse(String(text)).value)];
  };
  for (const address of ['192.0.2.1', '192.0.2.0/24', '192.0.3.1']) {
    await run(['block', address]);
    time.ms += 1000;
  }
  expect(await words('history 192.0.2.1')).toEqual([0, '192.0.2.1', '192.0.2.0/24']);
  expect(await words('history 192.0.0.0/16')).toEqual([
    0,
    '192.0.2.1',
    '192.0.2.0/24',
    '192.0.3.1',
  ]);
  expect(await words('history 192.0.3.0/24')).toEqual([0, '192.0.3.1']);
  expect(await words('history 198.51.100.1')).toEqual([1]);
  expect(await words('history database')).toEqual([1]);
  expect(await words('history', { class: 'net' })).toEqual([1]);
  expect(await words('history', { event: 'block-ended' })).toEqual([1]);
  expect(await words('history', { event: 'blocked', since: '2' })).toEqual([
    0,
    '192.0.2.0/24',
    '192.0.3.1',
  ]);
  expect(await words('history', { until: '2' })).toEqual([0, '192.0.2.1']);
  expect(await words('history', { limit: '1' })).toEqual([0, '192.0.3.1']);
});

test('what was imported is told with who did it', async () => {
  const { run } = site(config);
  const lines = ['block 192.0.2.1 - noise', 'allow 198.51.100.7'];
  await run(['import', ...lines], { force: true }, { by: 'alice' });
  const [, , blocked, allowed] = await run('history');
  expect(blocked).toMatch(/ blocked +192\.0\.2\.1 +by alice for .*: noise$/);
  expect(allowed).toMatch(/ allowed +198\.51\.100\.7 +by alice/);
});

test('history shows a person the last 1000, says so, and has all for programs', async () => {
  const { run, gatekeeper } = site(config);
  for (let number = 0; number < 1002; number += 1) {
    gatekeeper.history.note({ event: 'changed', value: `v${number}` });
  }
  const [, first, , ...rows] = await run('history');
  expect(first).toMatch(/^earlier ones are left out; --limit 0 shows all$/);
  expect(rows).toHaveLength(1000);
  expect(rows.at(-1)).toMatch(/ v1001$/);
  expect(await run('history', { limit: '0' })).toHaveLength(1004);
  const [, text] = [0, (await run('history', { json: true })).slice(1).join('\n')];
  expect(JSON.parse(text)).toHaveLength(1002);
  expect(await run('history', { jsonl: true })).toHaveLength(1003);
});

test('history --hours has what was counted', async () => {
  const { run, gatekeeper, time } = site(config);
  expect(await run('history', { hours: true })).toMatchObject([1, expect.stringMatching(/^HOUR/)]);
  const tally = { within: 3, exceeded: 1, blocked: 2, errors: 0 };
  gatekeeper.history.count([
    { name: 'ip', ...tally },
    { name: 'net', ...tally },
  ]);
  const hourMs = Math.floor(time.ms / 3_600_000) * 3_600_000;
  expect(await run('history', { hours: true, class: 'ip' })).toEqual([
    0,
    'HOUR                       CLASS  WITHIN  EXCEEDED  BLOCKED  ERRORS',
    `${localTime(hourMs)}  ip     3       1         2        0`,
  ]);
  const lines = (await run('history', { hours: true, json: true })).slice(1);
  expect(JSON.parse(lines.join('\n'))).toEqual([
    { hour: new Date(hourMs).toISOString(), class: 'ip', ...tally },
    { hour: new Date(hourMs).toISOString(), class: 'net', ...tally },
  ]);
});

test.for([
  [{ event: 'blokced' }, /no such event: blokced; there are: blocked, unblocked, /],
  [{ limit: '-1' }, /--limit: not a number: -1/],
  [{ since: 'noon' }, /not an instant: noon/],
  [{ hours: true, event: 'blocked' }, /--hours knows no values and no events/],
] as const)('history with %j is wrong usage', async ([options, said]) => {
  const { run } = site(config);
  expect(await run('history', options)).toMatchObject([100, expect.stringMatching(said)]);
});

test('history of a network with bits beyond its prefix is wrong usage', async () => {
  const { run } = site(config);
  expect(await run('history 192.0.2.7/24')).toMatchObject([
    100,
    expect.stringMatching(/did you mean/),
  ]);
});
