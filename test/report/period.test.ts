/** A period tallies what happened by time, hour, client, network and block, in any order. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { valueText } from '../../src/core/value.ts';
import { latestBlocks, networkText, Period, type ReportedBlock } from '../../src/report/period.ts';
import type { ValueTally } from '../../src/report/top-values.ts';

beforeEach(() => vi.stubEnv('TZ', 'Asia/Kolkata'));
afterEach(() => vi.unstubAllEnvs());

const hourMs = 3_600_000;
/** A Saturday; there it is 13:35. */
const atMs = Date.UTC(2026, 0, 31, 8, 5, 46);
const bits = 0xc0000201 | 0;

function block(more: Partial<ReportedBlock> = {}): ReportedBlock {
  return { atMs, value: '192.0.2.1', class: 'ip', seconds: 120, offence: 1, ...more };
}

function told({ connections, refused, blocks, blockedSeconds, lastBlockMs }: ValueTally) {
  return { connections, refused, blocks, blockedSeconds, lastBlockMs };
}

function clients(period: Period, name = 'ip') {
  const tallies = period.clients.get(name)?.most(({ notes }) => notes, 10) ?? [];
  return Object.fromEntries(tallies.map((tally) => [valueText(tally.value), told(tally)]));
}

function networks(period: Period) {
  const tallies = period.networks.most(({ notes }) => notes, 10);
  return Object.fromEntries(tallies.map((tally) => [networkText(tally.value), told(tally)]));
}

test('an address is one client, as bits and as text, and its network is told', () => {
  const period = new Period();
  period.connection(atMs, 'ip', bits, false);
  period.connection(atMs + 1000, 'ip', '192.0.2.1', true);
  period.connection(atMs + 2000, 'ip', '192.0.2.77', true);
  period.block(block({ atMs: atMs + 1000 }));
  expect(clients(period)).toEqual({
    '192.0.2.1': {
      ...{ connections: 2, refused: 1, blocks: 1 },
      ...{ blockedSeconds: 120, lastBlockMs: atMs + 1000 },
    },
    '192.0.2.77': { connections: 1, refused: 1, blocks: 0, blockedSeconds: 0, lastBlockMs: 0 },
  });
  expect(networks(period)).toEqual({
    '192.0.2.0/24': {
      ...{ connections: 3, refused: 2, blocks: 1 },
      ...{ blockedSeconds: 120, lastBlockMs: atMs + 1000 },
    },
  });
  expect(period).toMatchObject({ connections: 3, refused: 2, blocks: 1 });
  expect([period.fromMs, period.toMs]).toEqual([atMs, atMs + 2000]);
});

test('IPv6 clients lie in networks of 64 bits, or are such; wider networks and names lie in none', () => {
  const period = new Period();
  const clients6 = ['2001:db8::1', '2001:db8::2', '2001:db8::/64', '2001:db8:1::/48'];
  for (const client of [...clients6, 'smith', '192.0.2.0/24', bits, '10.0.0.0/8']) {
    period.connection(atMs, 'ip', client, false);
  }
  const counts = Object.entries(networks(period)).map(([name, all]) => [name, all.connections]);
  expect(counts).toEqual([
    ['2001:db8::/64', 3],
    ['192.0.2.0/24', 2],
  ]);
  expect(Object.keys(clients(period))).toHaveLength(8);
});

test('classes are apart', () => {
  const period = new Period();
  period.connection(atMs, 'ip', bits, false);
  period.connection(atMs, 'relay', bits, false);
  period.block(block({ class: '' }));
  expect([...period.clients.keys()]).toEqual(['ip', 'relay', '']);
  expect(clients(period, 'relay')['192.0.2.1']).toMatchObject({ connections: 1, blocks: 0 });
});

test('hours and weekdays are those of the local zone, also where it is not whole hours from UTC', () => {
  const period = new Period();
  period.connection(atMs, 'ip', bits, true);
  period.connection(atMs + hourMs / 2, 'ip', bits, false);
  period.connectionsIn(atMs + 11 * hourMs, atMs + 12 * hourMs, 5, 2);
  const seen = period.hours.flatMap((tally, index) => {
    return tally.connections > 0 ? [[Math.floor(index / 24), index % 24, tally]] : [];
  });
  expect(seen).toEqual([
    [0, 0, { connections: 5, refused: 2 }],
    [6, 13, { connections: 1, refused: 1 }],
    [6, 14, { connections: 1, refused: 0 }],
  ]);
  expect(period.toMs).toBe(atMs + 12 * hourMs);
});

test('blocks are counted by length and offence, and those without either apart', () => {
  const period = new Period();
  for (const seconds of [1, 60, 61, 86_400, 1e7, undefined]) period.block(block({ seconds }));
  for (const offence of [0, 2, 10, 99]) period.block(block({ offence }));
  expect(period.durations).toEqual([2, 5, 0, 0, 0, 0, 1, 0, 0, 1]);
  expect(period.endless).toBe(1);
  expect(period.offences).toEqual([6, 1, 0, 0, 0, 0, 0, 0, 0, 2]);
});

test('only the latest blocks are told one by one, whatever their order', () => {
  const period = new Period();
  const count = 5 * latestBlocks + 7;
  for (let index = 0; index < count; index += 1) {
    period.block(block({ atMs: atMs + ((index * 7919) % count) }));
  }
  const latest = period.latest().map((each) => each.atMs - atMs);
  expect(latest).toEqual(Array.from({ length: latestBlocks }, (_, index) => count - 1 - index));
  expect(period.blocks).toBe(count);
});
