/**
 * What a configuration would have done, by logs whose every connection is known.
 *
 * Tests: src/replay/replayed-rater.ts, src/replay/client-table.ts, src/replay/observed-counters.ts
 * Tests: src/replay/log-clock.ts, src/replay/time-span.ts, src/replay/replay-summary.ts
 */
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import type { ReplayObserver } from '../../src/replay/replay-observer.ts';
import { summaryOf } from '../../src/replay/replay-summary.ts';
import { type Connection, configFile, logText, replayed, startMs } from './replayed.ts';

const limits = 'limits : { ip: ( ("10.0.0.0/8", 60, -1), ("*", 60, 3) ); };';
const blocking = 'blocking : { time: [100, 1000]; };';

/** So many connections from an address, `apart` seconds after each other. */
function burst(from: string, many: number, atSeconds: number, apart = 1): Connection[] {
  return Array.from({ length: many }, (_, index): Connection => [atSeconds + index * apart, from]);
}

/** An instant as the summary has it. */
function at(seconds: number): string {
  return new Date(startMs + seconds * 1000).toISOString();
}

/** All that a replay tells while it runs, in words. */
function listener() {
  const told: string[] = [];
  const when = (atMs: number) => `${(atMs - startMs) / 1000}:`;
  const observer: ReplayObserver = {
    connection: (atMs, name, value, outcome) =>
      told.push([when(atMs), name, value, outcome].join(' ')),
    blocked: (atMs, address, name, seconds, offence) => {
      told.push([when(atMs), address, name, 'blocked for', seconds, 'offence', offence].join(' '));
    },
    unblocked: (atMs, address) => told.push([when(atMs), address, 'unblocked'].join(' ')),
  };
  return { told, observer };
}

describe('a client that comes too often', () => {
  const connections = [
    ...burst('192.0.2.1', 6, 0),
    ...burst('192.0.2.1', 5, 103),
    ...burst('198.51.100.1', 3, 200),
  ];

  test('is blocked when it exceeds the limit, kept out, let in again, and blocked for longer', async () => {
    const { told, observer } = listener();
    const text = `${limits} ${blocking}`;
    await replayed(text, logText(connections), { observer });
    const bits = 0xc0000201 | 0;
    expect(told).toEqual([
      ...[0, 1, 2].map((second) => `${second}: ip ${bits} let in`),
      '3: 192.0.2.1 ip blocked for 100 offence 1',
      `3: ip ${bits} blocked`,
      `4: ip ${bits} kept out`,
      `5: ip ${bits} kept out`,
      // It ends to the second, and what was counted before is forgotten.
      '103: 192.0.2.1 unblocked',
      ...[103, 104, 105].map((second) => `${second}: ip ${bits} let in`),
      '106: 192.0.2.1 ip blocked for 1000 offence 2',
      `106: ip ${bits} blocked`,
      `107: ip ${bits} kept out`,
      ...[200, 201, 202].map((second) => `${second}: ip ${0xc6336401 | 0} let in`),
    ]);
  });

  test('is in the summary with when, how often and for how long', async () => {
    const { result, span, lines } = summaryOf(
      await replayed(`${limits} ${blocking}`, logText(connections)),
    );
    expect(lines).toMatchObject({ read: 14, used: 14, other: 0, notUnderstood: 0, leftOut: 0 });
    expect(span).toMatchObject({ from: at(0), to: at(202), gaps: 0, backwards: 0 });
    expect(result).toMatchObject({
      ...{ connections: 14, clients: 2, refused: 5, refusedClients: 1, blocks: 2 },
      blocked: [
        {
          ...{ client: '192.0.2.1', class: 'ip', count: 4, limit: 3, seconds: 60 },
          ...{ first: at(3), until: at(1106), blocks: 2, blockedSeconds: 1100 },
          ...{ refused: 5, connections: 11 },
        },
      ],
      // It was at its limit and never beyond.
      near: [{ client: '198.51.100.1', class: 'ip', count: 3, limit: 3, seconds: 60 }],
      limits: [{ class: 'ip', pattern: '*', limit: 3, seconds: 60, most: 4, client: '192.0.2.1' }],
    });
  });
});

test('a limit that nobody reaches says how near somebody came', async () => {
  const text =
    'limits : { ip: ( ("192.0.2.0/24", 60, 5), ("198.51.100.0/24", 60, 5), ("*", 60, 9) ); };';
  const log = logText([...burst('192.0.2.1', 2, 0), ...burst('203.0.113.1', 9, 0)]);
  const { limits: found } = summaryOf(await replayed(text, log)).result;
  expect(found.map(({ pattern, most, client }) => [pattern, most, client])).toEqual([
    ['192.0.2.0/24', 2, '192.0.2.1'],
    ['198.51.100.0/24', 0, null],
    ['*', 9, '203.0.113.1'],
  ]);
});

test('several windows, networks, further classes and the allowlist count as in rater', async () => {
  const text = `
    limits : { ip: ( ("*", (60, 3), (3600, 5)) ); net: ( ("*", 60, 4) ); };
    classes : { ip: { also: ("net"); }; net: { prefix4: 24; prefix6: 48; }; };
    blocking : { classes: ("ip", "net"); time: 100; };
    allow : ( "10.0.0.0/8" );`;
  const log = logText([
    // Five in an hour, never four in a minute; the sixth is too many.
    ...burst('192.0.2.1', 6, 0, 600),
    // Four addresses of a network once, and the fifth.
    ...[1, 2, 3, 4, 5].map((host): Connection => [10_000, `198.51.100.${host}`]),
    ...burst('10.1.1.1', 20, 20_000),
    ...burst('2001:db8::1', 2, 30_000),
    ...burst('2001:db8::ffff', 2, 30_000),
  ]);
  const { result } = summaryOf(await replayed(text, log));
  expect(result.blocked.map(({ client, class: name, seconds }) => [client, name, seconds])).toEqual(
    [
      ['192.0.2.1', 'ip', 3600],
      ['2001:db8::/64', 'ip', 60],
      // What it refuses are connections of clients of the class ip.
      ['198.51.100.0/24', 'net', 60],
    ],
  );
  expect(result.refused).toBe(3);
});

test('a class that blocks nobody refuses, and a dry run is replayed as if it were none', async () => {
  const log = logText(burst('192.0.2.1', 6, 0));
  const refusing = `${limits} blocking : { classes: (); };`;
  expect(summaryOf(await replayed(refusing, log)).result).toMatchObject({ refused: 3, blocks: 0 });
  const dry = `${limits} ${blocking} classes : { ip: { dry_run: true; }; };`;
  expect(summaryOf(await replayed(dry, log)).result).toMatchObject({ refused: 3, blocks: 1 });
});

test('hits of rater have their own classes, of which one can be chosen', async () => {
  const text = 'limits : { ip: ( ("*", 60, 1) ); user: ( ("*", 60, 1) ); };';
  const hit = (name: string, value: string) => {
    return `${at(0)} rater: debug: hit: class=${name} value=${value} status=0\n`;
  };
  const log = [
    ...[hit('ip', '192.0.2.1'), hit('user', '"a b"'), hit('user', '"a b"'), hit('other', 'x')],
  ];
  const bad = hit('ip', 'nowhere');
  const all = summaryOf(await replayed(text, [...log, bad].join('')));
  expect(all.lines).toMatchObject({ read: 5, used: 3, ofUnknownClass: 1, noAddress: 1 });
  expect(all.result).toMatchObject({ connections: 3, refused: 1 });
  const users = summaryOf(await replayed(text, log.join(''), { class: 'user' }));
  expect(users.lines).toMatchObject({ used: 2, leftOut: 2 });
  await expect(replayed(text, '', { class: 'none' })).rejects.toThrow(
    /has no class none in limits: choose one of them with --class: ip, user/,
  );
});

test('connections of a server and hits of rater together are told to count twice', async () => {
  const text = 'limits : { ip: ( ("*", 60, 9) ); };';
  const hit = `${at(0)} rater: debug: hit: class=ip value=192.0.2.1 status=0\n`;
  const both = logText([[0, '192.0.2.1']]) + hit;
  expect(summaryOf(await replayed(text, both)).lines.isDouble).toBe(true);
  expect(summaryOf(await replayed(text, hit)).lines.isDouble).toBe(false);
});

describe('time', () => {
  test('since and until leave out what is before and what is from then on', async () => {
    const log = logText(burst('192.0.2.1', 10, 0));
    const options = { sinceMs: startMs + 2000, untilMs: startMs + 5000 };
    const { lines, span } = summaryOf(await replayed(limits, log, options));
    expect(lines).toMatchObject({ read: 10, used: 3, leftOut: 7 });
    expect(span).toMatchObject({ from: at(2), to: at(4) });
  });

  test('gaps of an hour and more are told, the longest in front', async () => {
    const seconds = [0, 3599, 7199, 20_000, 30_000, 50_000];
    const log = logText(seconds.map((second): Connection => [second, '192.0.2.1']));
    const { span } = summaryOf(await replayed(limits, log));
    expect(span.gaps).toBe(4);
    expect(span.longestGaps).toEqual([
      { from: at(30_000), to: at(50_000) },
      { from: at(7199), to: at(20_000) },
      { from: at(20_000), to: at(30_000) },
    ]);
  });

  test('a clock that goes back is told, and neither lengthens a block nor makes one', async () => {
    const log = logText([
      ...burst('192.0.2.1', 4, 10_000),
      // An hour back: 3 s later than before. The block of 100 s goes on.
      ...burst('192.0.2.1', 1, 6400),
      ...burst('192.0.2.9', 2, 6450),
      ...burst('192.0.2.1', 1, 6501),
      // Not four in a minute, although their times are.
      ...burst('192.0.2.9', 2, 6511),
    ]);
    const { told, observer } = listener();
    const summary = summaryOf(await replayed(`${limits} ${blocking}`, log, { observer }));
    expect(summary.span).toMatchObject({ backwards: 1, firstBackward: { line: 5, seconds: 3603 } });
    const outcomes = told.filter((line) => line.includes(`${0xc0000201 | 0}`));
    expect(outcomes.map((line) => line.split(' ').slice(3).join(' '))).toEqual([
      ...['let in', 'let in', 'let in', 'blocked', 'kept out', 'let in'],
    ]);
    expect(summary.result.blocks).toBe(1);
  });

  test('lines a little out of order are no such clock', async () => {
    const log = logText([
      [10, '192.0.2.1'],
      [9, '192.0.2.2'],
      [11, '192.0.2.3'],
      [9.1, '192.0.2.4'],
    ]);
    expect(summaryOf(await replayed(limits, log)).span.backwards).toBe(0);
  });

  test('after years without a line nothing of before counts', async () => {
    // Windows know instants of 49.7 days: so much later all would seem to have come just now.
    const wrapSeconds = 2 ** 32 / 1000;
    const log = logText([...burst('192.0.2.1', 3, 0), ...burst('192.0.2.1', 3, wrapSeconds + 3)]);
    expect(summaryOf(await replayed(limits, log)).result.refused).toBe(0);
  });
});

test('two configurations in one pass, and who is refused by only one of them', async () => {
  const against = loadConfig(
    configFile(`limits : { ip: ( ("192.0.2.0/24", 60, -1), ("*", 60, 1) ); }; ${blocking}`),
  );
  const log = logText([...burst('192.0.2.1', 5, 0), ...burst('198.51.100.1', 2, 0)]);
  const summary = summaryOf(await replayed(`${limits} ${blocking}`, log, { against }));
  expect(summary.result).toMatchObject({ refused: 2, blocks: 1, connections: 7 });
  expect(summary.against).toMatchObject({ refused: 1, blocks: 1, connections: 7 });
  expect(summary.onlyRefusedBy).toEqual({ result: ['ip 192.0.2.1'], against: ['ip 198.51.100.1'] });
});

test('no room for values and blocks is told, as it would have been so in rater', async () => {
  const text = `settings : { max_values: 10; max_blocks: 1; }; ${limits} ${blocking}`;
  const many = Array.from(
    { length: 50 },
    (_, index): Connection => [index / 10, `192.0.2.${index}`],
  );
  const log = logText([
    ...many,
    ...burst('198.51.100.1', 5, 100),
    ...burst('198.51.100.2', 5, 100),
  ]);
  const { forgotten, blocks } = summaryOf(await replayed(text, log)).result;
  expect(forgotten['value forgotten']).toBe(42);
  expect(forgotten['block not made']).toBeGreaterThan(0);
  expect(blocks).toBe(1);
});

test('a line of a distant future ends soon, and those after it count', async () => {
  const far = Date.parse('9999-12-31T23:59:59Z') / 1000 - startMs / 1000;
  const connections = [...burst('192.0.2.1', 2, 0), ...burst('192.0.2.2', 1, far)];
  const log = logText([...connections, ...burst('192.0.2.1', 4, 2)]);
  const found = summaryOf(await replayed(`${limits} ${blocking}`, log));
  expect(found.span).toMatchObject({ to: '9999-12-31T23:59:59.000Z', backwards: 1 });
  expect(found.result).toMatchObject({ connections: 7, blocks: 1 });
});
