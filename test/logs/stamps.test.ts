/** The stamps of real loggers, as they wrote them at known instants. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { StampReader, taiWithLeaps, taiWithoutLeaps } from '../../src/logs/stamps.ts';

const text = 'tcpsvd: info: pid 9185 from 127.0.0.1';
const latestMs = Date.parse('2026-11-29T01:12:00Z');

/** The instant in ISO 8601, and the text behind the stamp. */
function read(line: string, rules: { taiSeconds?: number; latestMs?: number } = {}) {
  const stamps = new StampReader({ taiSeconds: taiWithoutLeaps, latestMs, ...rules });
  const bytes = Buffer.from(line);
  const at = stamps.read(bytes, 0, bytes.length);
  const iso = Number.isNaN(stamps.atMs) ? 'none' : new Date(stamps.atMs).toISOString();
  return [iso, line.slice(at)];
}

describe('in a zone with summer time', () => {
  const { TZ } = process.env;

  beforeAll(() => {
    process.env.TZ = 'Europe/Berlin';
  });

  afterAll(() => {
    if (TZ === undefined) delete process.env.TZ;
    else process.env.TZ = TZ;
  });

  test.each([
    ['multilog t', '@400000006b0b7bd613ddf1f4 ', '2026-11-29T01:11:40.333Z'],
    ['svlogd -t', '@400000006b0b7bd614478164 ', '2026-11-29T01:11:40.340Z'],
    ['svlogd -tt', '2026-11-29_01:11:40.34401 ', '2026-11-29T01:11:40.344Z'],
    ['svlogd -ttt', '2026-11-29T01:11:40.34766 ', '2026-11-29T01:11:40.347Z'],
    ['tai64nlocal', '2026-11-29 02:11:40.333312500 ', '2026-11-29T01:11:40.333Z'],
    ['s6-log T', '2026-11-29 02:11:40.355533916  ', '2026-11-29T01:11:40.355Z'],
    ['syslog', 'Nov 29 02:11:40 ', '2026-11-29T01:11:40.000Z'],
    ['syslog on the first of a month', 'Nov  1 02:11:40 ', '2026-11-01T01:11:40.000Z'],
    ['syslog in summer', 'Jul 29 02:11:40 ', '2026-07-29T00:11:40.000Z'],
    ['syslog of the year before', 'Dec 31 23:59:59 ', '2025-12-31T22:59:59.000Z'],
    ['rsyslog', '2026-11-29T02:11:40.333312+01:00 ', '2026-11-29T01:11:40.333Z'],
    ['journalctl -o short-precise', 'Nov 29 02:11:40.333312 ', '2026-11-29T01:11:40.333Z'],
    ['journalctl -o short-iso', '2026-11-29T01:11:40+0000 ', '2026-11-29T01:11:40.000Z'],
    ['journalctl in India', '2026-11-29T06:41:40+0530 ', '2026-11-29T01:11:40.000Z'],
    ['journalctl in Newfoundland', '2026-11-28T21:41:40-0330 ', '2026-11-29T01:11:40.000Z'],
    ['rater, human', '2026-11-29T01:11:40.333Z ', '2026-11-29T01:11:40.333Z'],
  ])('of %s', (_, stamp, iso) => {
    expect(read(stamp + text)).toEqual([iso, text]);
  });

  test('of s6-log t, which counts leap seconds, by the rule of that', () => {
    const line = `@400000006b0b7bf114fbb9b8 ${text}`;
    expect(read(line, { taiSeconds: taiWithLeaps })).toEqual(['2026-11-29T01:11:40.352Z', text]);
    expect(read(line)).toEqual(['2026-11-29T01:12:07.352Z', text]);
  });

  test('follow the zone within a file where summer time ends', () => {
    const stamps = new StampReader({ taiSeconds: taiWithoutLeaps, latestMs });
    const instants = ['2026-10-25 01:59:59 ', '2026-10-25 03:00:00 '].map((line) => {
      stamps.read(Buffer.from(line), 0, line.length);
      return new Date(stamps.atMs).toISOString();
    });
    expect(instants).toEqual(['2026-10-24T23:59:59.000Z', '2026-10-25T02:00:00.000Z']);
  });
});

test.each([
  '@400000006b0b7bd6 half a stamp',
  '@500000006b0b7bd613ddf1f4 of another age',
  '@400000006b0b7bd6ffffffff with too many nanoseconds',
  '@400000006B0B7BD613DDF1F4 in capitals',
  '2026-13-29 01:11:40 in no month',
  '2026-11-29 25:11:40 at no hour',
  '2026-11-29-01:11:40 with another separator',
  '2026-11-29T01:11:40+1 of half a zone',
  'Nov 32 01:11:40 on no day',
  'Nov 29 01:61:40 at no minute',
  'Now 29 01:11:40 in no month',
  'Nov 29',
  '',
])('no stamp is read from %j', (line) => {
  expect(read(line)).toEqual(['none', line]);
});
