/**
 * Lines of real programs, in every wrapping that real loggers gave them, and arbitrary bytes compared
 * with a simple reader of texts.
 *
 * Tests: src/logs/json-line.ts
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ipv4Text, parseAddress } from '../../src/core/address.ts';
import { type LineKind, LogLineReader } from '../../src/logs/log-line.ts';
import { taiWithoutLeaps } from '../../src/logs/stamps.ts';

const latestMs = Date.parse('2026-11-29T01:12:00Z');

type Read = { kind: LineKind; at?: string; class?: string; value?: string };

function valueText(value: number | string): string {
  return typeof value === 'number' ? ipv4Text(value) : value;
}

function read(line: string | Buffer): Read {
  const reader = new LogLineReader({ taiSeconds: taiWithoutLeaps, latestMs });
  // As in a chunk, with other lines around.
  const bytes = Buffer.concat([Buffer.from('before\n'), Buffer.from(line), Buffer.from('\nafter')]);
  const kind = reader.read(bytes, 7, 7 + Buffer.from(line).length);
  if (kind !== 'connection') return { kind };
  const at = new Date(reader.atMs).toISOString();
  return { kind, at, class: reader.class, value: valueText(reader.value) };
}

const at = '2026-11-29T01:11:40.344Z';
const stamp = '2026-11-29_01:11:40.34401 ';

describe('what servers say', () => {
  test.each([
    ['tcpsvd: info: pid 9185 from 127.0.0.1', '127.0.0.1'],
    ['tcpserver: pid 9227 from 127.0.0.7', '127.0.0.7'],
    ['tcpserver: pid 9582 from ::1', '::1'],
    ['tcpserver: pid 9270 from ::ffff:127.0.0.9', '127.0.0.9'],
    ['tcpserver: pid 9270 from 2001:DB8:0::1', '2001:db8::1'],
    ['sslserver: pid 9227 from 127.0.0.7\r', '127.0.0.7'],
  ])('%j is a connection', (line, value) => {
    expect(read(stamp + line)).toEqual({ kind: 'connection', at, class: '', value });
  });

  test.each([
    'tcpsvd: info: listening on 127.0.0.1:39025, starting.',
    'tcpsvd: info: status 1/30',
    'tcpsvd: info: start 9185 localhost:127.0.0.1 ::127.0.0.1:36679 peers/0',
    'tcpsvd: info: deny 9444 localhost:127.0.0.1 ::127.0.0.9:34889 peers/127.0.0.9',
    'tcpsvd: info: end 9444 exit 100',
    'tcpsvd: warning: unable to accept connection: connection aborted',
    'tcpserver: status: 1/40',
    'tcpserver: ok 9582 localhost:::1:39027 :::1::58670',
    'tcpserver: deny 1840 localhost:127.0.0.1:25 :127.0.0.1::50034',
    'tcpserver: end 9582 status 0',
    'ratecheck: warning: cannot ask: /run/ipthrottle/rater.sock: connection refused, running cat unchecked',
    'rater: info: blocked: address=127.0.0.1 class=ip rate=11/10 for=120 times=1 source=rate',
    'rater: debug: hit without fields',
  ])('%j is known, and no connection', (line) => {
    expect(read(stamp + line)).toEqual({ kind: 'other' });
    expect(read(line)).toEqual({ kind: 'other' });
  });

  test.each([
    'tcpsvd: info: pid 9185 from 127.0.0.256',
    'tcpsvd: info: pid 9185 from 127.0.0.01',
    'tcpsvd: info: pid 9185 from ',
    'tcpsvd: info: pid 9185 from mx.example',
    'tcpserver: pid 9185 from 127.0.0.1 and more',
    'tcpserver: pid 9185 from 1:2:3',
  ])('%j names no address', (line) => {
    expect(read(stamp + line)).toEqual({ kind: 'no address' });
  });

  test('a connection without a stamp is undated', () => {
    expect(read('tcpsvd: info: pid 9185 from 127.0.0.1')).toEqual({ kind: 'undated' });
  });

  test.each([
    '',
    '   ',
    `${stamp}qmail-smtpd: rejected`,
    // Only what syslog writes may stand in front: a client could have brought the rest.
    `${stamp}helo tcpsvd: info: pid 1 from 192.0.2.1`,
    `${stamp}mx1 qmail[1]: helo: tcpsvd: info: pid 1 from 192.0.2.1`,
    `${stamp}xtcpsvd: info: pid 1 from 192.0.2.1`,
    '{"MESSAGE":"unfinished',
    '[1]',
    'null',
    '{}',
  ])('%j is unknown', (line) => {
    expect(read(line)).toEqual({ kind: 'unknown' });
  });
});

describe('what rater says of hits', () => {
  test.each([
    ['class=ip value=127.0.0.1 status=0', 'ip', '127.0.0.1'],
    ['class=user value="a b" status=1', 'user', 'a b'],
    ['class=user value="quo\\"te" status=1', 'user', 'quo"te'],
    ['class=user value="with \\u001b" status=1', 'user', 'with \u001b'],
  ])('%j', (fields, name, value) => {
    const found = { kind: 'connection', at, class: name, value };
    expect(read(`${stamp}rater: debug: hit: ${fields}`)).toEqual(found);
  });

  test('in its format json', () => {
    const line = `{"level":"debug","time":"${at}","class":"ip","value":"::1","status":0,"msg":"hit"}`;
    expect(read(line)).toEqual({ kind: 'connection', at, class: 'ip', value: '::1' });
    const other = `{"level":"info","time":"${at}","pid":1,"msg":"ready"}`;
    expect(read(other)).toEqual({ kind: 'other' });
  });
});

describe('what journalctl and syslog make of it', () => {
  const message = 'tcpsvd: info: pid 9185 from 127.0.0.1';
  const journal = (fields: object) => {
    return JSON.stringify({ __CURSOR: 's=3e9c', _PID: '9180', _HOSTNAME: 'mx1', ...fields });
  };

  test.each([
    `2026-11-29T01:11:40.344+0000 mx1 tcpsvd[9180]: ${message}`,
    `2026-11-29T02:11:40.344312+01:00 mx1 tcpsvd: ${message}`,
    `${stamp}tcpsvd: ${message}`,
    journal({ __REALTIME_TIMESTAMP: '1795914700344312', MESSAGE: message }),
    journal({ __REALTIME_TIMESTAMP: '1795914700344312', MESSAGE: [...Buffer.from(message)] }),
    // The stamp of the logger itself is exacter.
    journal({ __REALTIME_TIMESTAMP: '1795914799000000', MESSAGE: `${stamp}${message}` }),
  ])('%j', (line) => {
    expect(read(line)).toEqual({ kind: 'connection', at, class: '', value: '127.0.0.1' });
  });

  test('a hit of rater in JSON, in a record of the journal', () => {
    const hit = JSON.stringify({ time: at, class: 'ip', value: '::1', msg: 'hit' });
    const line = journal({ __REALTIME_TIMESTAMP: '1795914799000000', MESSAGE: hit });
    expect(read(line)).toEqual({ kind: 'connection', at, class: 'ip', value: '::1' });
  });

  test.each([
    journal({ __REALTIME_TIMESTAMP: '1795914700344312', MESSAGE: null }),
    journal({ __REALTIME_TIMESTAMP: '1795914700344312', MESSAGE: 'Started a session' }),
    journal({ __REALTIME_TIMESTAMP: 'soon', MESSAGE: message }),
    // Instants that no clock has shown.
    journal({ __REALTIME_TIMESTAMP: '1e300', MESSAGE: message }),
    journal({ __REALTIME_TIMESTAMP: '8640000000000000000', MESSAGE: message }),
    journal({ __REALTIME_TIMESTAMP: '-1', MESSAGE: message }),
    JSON.stringify({ time: '+275760-09-13T00:00:00Z', class: 'ip', value: '::1', msg: 'hit' }),
    JSON.stringify({ time: '-000001-01-01T00:00:00Z', class: 'ip', value: '::1', msg: 'hit' }),
    journal({ __REALTIME_TIMESTAMP: '1795914700344312', MESSAGE: [1e9, 'x'] }),
  ])('%j is no connection', (line) => {
    expect(read(line).kind).not.toBe('connection');
  });
});

describe('any bytes', () => {
  const iso = /^(\d{4}-\d\d-\d\d)_(\d\d:\d\d:\d\d\.\d+) +(.*)$/;
  const server = /^(?:tcpsvd: info: |tcpserver: )pid \S* from (.*)$/;

  /** The same by expressions and strings. */
  function readSimply(line: string): Read {
    const [, day, time, rest = ''] = iso.exec(line) ?? [];
    const said = server.exec(rest.replace(/^(?:\S+ )?\S*: (?=tcps)/, ''));
    if (!said) return { kind: 'other' };
    const address = parseAddress(said[1] ?? '');
    if (!address) return { kind: 'no address' };
    const when = new Date(`${day}T${time}Z`).toISOString();
    return { kind: 'connection', at: when, class: '', value: address.text };
  }

  const number = fc.integer({ min: 0, max: 300 }).map(String);
  const address = fc.oneof(
    fc.array(number, { minLength: 3, maxLength: 5 }).map((octets) => octets.join('.')),
    fc.ipV4(),
    fc.ipV6(),
    fc.string({ unit: 'grapheme-ascii', maxLength: 8 }),
  );
  const line = fc
    .tuple(
      fc.date({
        min: new Date('1990-01-01'),
        max: new Date('2099-01-01'),
        noInvalidDate: true,
      }),
      fc.constantFrom('', 'tag: ', 'host tag[7]: '),
      fc.constantFrom('tcpsvd: info: ', 'tcpserver: '),
      fc.constantFrom('pid', 'end', 'status', 'deny'),
      fc.nat().map(String),
      address,
    )
    .map(([date, head, program, word, pid, from]) => {
      const when = date.toISOString().replace('T', '_').replace('Z', '00');
      return `${when} ${head}${program}${word} ${pid} from ${from}`;
    });

  test('a line is read as by a simple reader of texts', () => {
    fc.assert(
      fc.property(line, (text) => {
        expect(read(text)).toEqual(readSimply(text));
      }),
      { numRuns: 3000 },
    );
  });

  test('no bytes make it fail, however a line is mutilated', () => {
    const mutilated = fc.tuple(line, fc.nat({ max: 80 }), fc.uint8Array({ maxLength: 6 }));
    fc.assert(
      fc.property(mutilated, ([text, where, bytes]) => {
        const whole = Buffer.from(text);
        const cut = Buffer.concat([whole.subarray(0, where), bytes, whole.subarray(where + 3)]);
        const inLine = cut.map((byte) => (byte === 0x0a ? 0x20 : byte));
        expect(() => read(Buffer.from(inLine))).not.toThrow();
      }),
      { numRuns: 3000 },
    );
  });
});
