/**
 * Logs as they lie on a disk: of real loggers, compressed by real programs, rotated, broken.
 *
 * Tests: src/logs/log-bytes.ts, src/logs/log-cursor.ts, src/logs/log-set.ts, src/logs/log-tally.ts
 * Tests: src/logs/merged-logs.ts
 */
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { ipv4Text } from '../../src/core/address.ts';
import { logSets } from '../../src/logs/log-set.ts';
import { LogTally } from '../../src/logs/log-tally.ts';
import { mergeLogs } from '../../src/logs/merged-logs.ts';
import { debianPackages } from '../run/debian-packages.ts';
import { temporaryDirectory } from '../run/temporary-directory.ts';
import { missing, unless } from '../run/unless.ts';

const firstMs = Date.parse('2026-11-29T01:00:00Z');

/** Connections from 10.0.`file`.0 on, a second each, as svlogd -tt stamps them. */
function lines(many: number, file: number, startMs = firstMs): string {
  const all = Array.from({ length: many }, (_, index) => {
    const stamp = new Date(startMs + index * 1000).toISOString().replace('T', '_').slice(0, 22);
    return `${stamp} tcpsvd: info: pid ${index} from 10.0.${file}.${index % 256}\n`;
  });
  return all.join('');
}

type Found = { when: string; who: string; file: string; line: number };

async function readAll(paths: readonly string[], taiSeconds?: number) {
  const found: Found[] = [];
  const troubles: string[] = [];
  const tally = new LogTally();
  const options = {
    tally,
    taiSeconds,
    onProgress() {},
    onTrouble: (file: string, what: string) => void troubles.push(`${file}: ${what}`),
  };
  await mergeLogs(logSets(paths, firstMs), options, ({ atMs, value, file, line }) => {
    const who = typeof value === 'number' ? ipv4Text(value) : value;
    found.push({ when: new Date(atMs).toISOString(), who, file, line });
  });
  return { found, troubles, tally };
}

describe('real loggers', () => {
  const said = [
    'tcpsvd: info: status 1/30',
    'tcpsvd: info: pid 9185 from 127.0.0.1',
    'tcpsvd: info: end 9185 exit 0',
  ];
  const packages = debianPackages('daemontools', 's6');
  const unpacked = (name: string) => [join(packages.bin, name)];
  const loggers = [
    { name: 'svlogd -t', reason: missing('svlogd'), run: ['svlogd', '-t'] },
    { name: 'svlogd -tt', reason: missing('svlogd'), run: ['svlogd', '-tt'] },
    { name: 'svlogd -ttt', reason: missing('svlogd'), run: ['svlogd', '-ttt'] },
    { name: 'multilog t', reason: packages.reason, run: [...unpacked('multilog'), 't'] },
    { name: 's6-log t', reason: packages.reason, run: [...unpacked('s6-log'), 't'] },
    { name: 's6-log T', reason: packages.reason, run: [...unpacked('s6-log'), 'T'] },
  ];

  for (const { name, reason, run } of loggers) {
    test(`${name}: the time is that of its writing`, unless(reason), async () => {
      const [command = '', ...args] = run;
      const log = join(temporaryDirectory(), 'log');
      mkdirSync(log);
      const beforeMs = Date.now();
      const { status, stderr } = spawnSync(command, [...args, log], {
        input: `${said.join('\n')}\n`,
        env: { ...process.env, ...packages.environment },
        encoding: 'latin1',
      });
      const afterMs = Date.now();
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const { found, tally } = await readAll([log]);
      expect(tally.counts).toMatchObject({ connection: 1, other: 2, unknown: 0 });
      expect(found).toMatchObject([{ who: '127.0.0.1', file: join(log, 'current'), line: 2 }]);
      const whenMs = Date.parse(found[0]?.when ?? '');
      // Not the 27 leap seconds off by which s6-log and the others differ.
      expect(whenMs).toBeGreaterThanOrEqual(beforeMs - 2);
      expect(whenMs).toBeLessThanOrEqual(afterMs + 2);
    });
  }

  test(
    'rotated files of a directory are read in order, and so are lines cut by the rotation',
    unless(missing('svlogd')),
    async () => {
      const log = temporaryDirectory();
      writeFileSync(join(log, 'config'), 's300\nn20\n');
      const input = Array.from({ length: 60 }, (_, index) => {
        return `tcpsvd: info: pid ${index} from 10.0.0.${index}\n`;
      });
      // A line at a time: svlogd rotates between two readings, and names files by the second.
      const script = 'while read -r line; do echo "$line"; sleep 0.05; done | svlogd -tt "$0"';
      spawnSync('sh', ['-c', script, log], { input: input.join('') });
      expect(readdirSync(log).filter((name) => name.startsWith('@')).length).toBeGreaterThan(1);
      const { found } = await readAll([log]);
      expect(found.map(({ who }) => who)).toEqual(input.map((_, index) => `10.0.0.${index}`));
      const texts = readdirSync(log).map((name) => readFileSync(join(log, name), 'latin1'));
      expect(texts.some((text) => !text.endsWith('\n'))).toBe(true);
    },
  );

  const label = (ms: number, tai: number) => {
    return `@40000000${(Math.floor(ms / 1000) + tai).toString(16).padStart(8, '0')}00000000`;
  };

  test.each([
    ['multilog', 10],
    ['s6-log', 37],
  ])('a rotated file of %s tells its leap seconds by its name and time', async (_, tai) => {
    const directory = temporaryDirectory();
    const file = join(directory, `${label(firstMs, tai)}.s`);
    writeFileSync(file, `${label(firstMs, tai)} tcpsvd: info: pid 1 from 127.0.0.1\n`);
    utimesSync(file, firstMs / 1000, firstMs / 1000);
    const { found } = await readAll([file]);
    expect(found[0]?.when).toBe('2026-11-29T01:00:00.000Z');
    // An option has the last word.
    const { found: given } = await readAll([file], 10);
    expect(given[0]?.when).toBe(new Date(firstMs + (tai - 10) * 1000).toISOString());
  });
});

describe('compressed', () => {
  test('by gzip, whatever the name is, and in several members', async () => {
    const file = join(temporaryDirectory(), 'current');
    const text = lines(20_000, 1);
    writeFileSync(file, gzipSync(text.slice(0, 1000)));
    appendFileSync(file, gzipSync(text.slice(1000)));
    const { found, troubles } = await readAll([file]);
    expect(found.length).toBe(20_000);
    expect(troubles).toEqual([]);
  });

  test('by zstd', unless(missing('zstd')), async () => {
    const file = join(temporaryDirectory(), 'log');
    writeFileSync(file, lines(20_000, 1));
    spawnSync('zstd', ['-q', file]);
    const { found, troubles } = await readAll([`${file}.zst`]);
    expect(found.length).toBe(20_000);
    expect(troubles).toEqual([]);
  });

  test('a truncated gzip says how far it got, and what was used', async () => {
    const file = join(temporaryDirectory(), 'log.gz');
    const whole = gzipSync(lines(20_000, 1));
    writeFileSync(file, whole.subarray(0, whole.length / 2));
    const { found, troubles } = await readAll([file]);
    expect(found.length).toBeGreaterThan(5000);
    expect(found.length).toBeLessThan(20_000);
    const bytes = Math.floor(whole.length / 2);
    const lastLine = found.at(-1)?.line;
    expect(troubles).toEqual([
      `${file}: unexpected end of file after ${bytes} bytes; ${lastLine} lines of it were read`,
    ]);
  });

  test('a damaged gzip is used up to the damage', async () => {
    const file = join(temporaryDirectory(), 'log.gz');
    const whole = gzipSync(lines(100_000, 1));
    whole.fill(0, whole.length - 2000, whole.length - 1000);
    writeFileSync(file, whole);
    const { found, troubles } = await readAll([file]);
    expect(found.length).toBeGreaterThan(10_000);
    expect(troubles).toHaveLength(1);
  });

  test('a truncated zstd is a trouble too', unless(missing('zstd')), async () => {
    const file = join(temporaryDirectory(), 'log');
    writeFileSync(file, lines(100_000, 1));
    spawnSync('zstd', ['-q', file]);
    const whole = readFileSync(`${file}.zst`);
    truncateSync(`${file}.zst`, Math.floor(whole.length / 2));
    const { found, troubles } = await readAll([`${file}.zst`]);
    expect(found.length).toBeGreaterThan(0);
    expect(troubles).toHaveLength(1);
  });

  test.each([
    ['bzip2', [0x42, 0x5a, 0x68, 0x39]],
    ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ])('by %s: it says what to do', async (program, start) => {
    const file = join(temporaryDirectory(), 'log');
    writeFileSync(file, Buffer.concat([Buffer.from(start), Buffer.alloc(20)]));
    const { troubles } = await readAll([file]);
    expect(troubles.join()).toContain(`${program} -dc ${file} | ipthrottle replay -`);
  });
});

describe('several', () => {
  test('are merged by time, not by name', async () => {
    const directory = temporaryDirectory();
    const at = (name: string) => join(directory, name);
    writeFileSync(at('b'), lines(3, 1));
    writeFileSync(at('a'), lines(3, 2, firstMs + 500));
    writeFileSync(at('mail.log'), lines(2, 3, firstMs + 3_600_000));
    writeFileSync(at('mail.log.1.gz'), gzipSync(lines(2, 4, firstMs + 1_800_000)));
    const { found } = await readAll(['mail.log', 'a', 'mail.log.1.gz', 'b'].map(at));
    expect(found.map(({ who }) => who)).toEqual([
      ...['10.0.1.0', '10.0.2.0', '10.0.1.1', '10.0.2.1', '10.0.1.2', '10.0.2.2'],
      ...['10.0.4.0', '10.0.4.1', '10.0.3.0', '10.0.3.1'],
    ]);
  });

  test('a log is not kept open before its time and after its end', async () => {
    const directory = temporaryDirectory();
    const files = Array.from({ length: 50 }, (_, index) => {
      const file = join(directory, String(index));
      writeFileSync(file, lines(3, index, firstMs + index * 60_000));
      return file;
    });
    let most = 0;
    const tally = new LogTally();
    const options = { tally, taiSeconds: undefined, onProgress() {}, onTrouble() {} };
    await mergeLogs(logSets(files, firstMs), options, () => {
      const open = readdirSync('/proc/self/fd', { withFileTypes: true }).length;
      most = Math.max(most, open);
    });
    const now = readdirSync('/proc/self/fd').length;
    expect(most - now).toBeLessThan(5);
  });

  test.each([
    ['a log that is not there', ['/nonexistent/log'], /cannot be read: ENOENT/],
    ['a directory without logs', ['/proc/self/net'], /neither current nor @\*\.s/],
  ])('%s is a fault', (_, paths, sentence) => {
    expect(() => logSets(paths, firstMs)).toThrow(sentence);
  });

  test('the same log twice is a fault, whatever it is called', () => {
    const directory = temporaryDirectory();
    const file = join(directory, 'current');
    writeFileSync(file, lines(1, 1));
    symlinkSync(file, join(directory, 'link'));
    for (const other of [file, join(directory, 'link'), directory]) {
      expect(() => logSets([file, other], firstMs)).toThrow(/(current|link): named twice$/);
    }
    expect(() => logSets(['-', '-'], firstMs)).toThrow('-: named twice');
  });
});

describe('broken', () => {
  test('lines that nothing is made of are counted, and the first three shown', async () => {
    const file = join(temporaryDirectory(), 'log');
    const bad = [
      'hello',
      '\u001b[2J',
      'tcpsvd: info: pid 1 from 127.0.0.1',
      'four',
      'x'.repeat(500),
    ];
    writeFileSync(file, `${lines(1, 1)}${bad.join('\n')}\n${lines(1, 1)}`);
    const { tally } = await readAll([file]);
    expect(tally.counts).toEqual({
      ...{ connection: 2, other: 0, undated: 1, 'no address': 0, unknown: 4 },
    });
    expect(tally.lines).toBe(7);
    expect(tally.examples).toEqual([
      { file, line: 2, text: 'hello' },
      { file, line: 3, text: '\u001b[2J' },
      { file, line: 4, text: 'tcpsvd: info: pid 1 from 127.0.0.1' },
    ]);
  });

  test('a last line without an end is not used: half of an address is another one', async () => {
    const file = join(temporaryDirectory(), 'log');
    writeFileSync(file, lines(2, 1).slice(0, -1));
    const { found, tally } = await readAll([file]);
    expect(found.map(({ who }) => who)).toEqual(['10.0.1.0']);
    expect(tally.counts.unknown).toBe(1);
  });

  test('lines of any length are read, and those beyond all measure left out', async () => {
    const file = join(temporaryDirectory(), 'log');
    const long = 'x'.repeat(3_000_000);
    const texts = [
      lines(1, 1),
      `${long}\n`,
      lines(1, 2),
      `${'y'.repeat(300_000)}\n`,
      lines(5000, 3),
    ];
    writeFileSync(file, texts.join(''));
    const { found, tally } = await readAll([file]);
    expect(found.length).toBe(5002);
    expect(found.at(-1)?.line).toBe(5004);
    expect(tally.counts.unknown).toBe(2);
  });

  test('each line is read once, however the pieces of a file cut it', async () => {
    const file = join(temporaryDirectory(), 'log');
    writeFileSync(file, lines(30_000, 1));
    const { found } = await readAll([file]);
    expect(found.map(({ line }) => line)).toEqual(Array.from(found, (_, index) => index + 1));
    expect(found.length).toBe(30_000);
  });

  test('a file that shrinks while it is read is used as far as it was read', async () => {
    const file = join(temporaryDirectory(), 'log');
    writeFileSync(file, lines(30_000, 1));
    const troubles: string[] = [];
    let many = 0;
    const options = {
      tally: new LogTally(),
      taiSeconds: undefined,
      onProgress() {},
      onTrouble: (name: string, what: string) => void troubles.push(`${name}: ${what}`),
    };
    await mergeLogs(logSets([file], firstMs), options, () => {
      many += 1;
      if (many === 1) truncateSync(file, 100);
    });
    expect(many).toBeGreaterThan(100);
    expect(many).toBeLessThan(30_000);
    expect(troubles.join()).toMatch(
      /it became shorter while it was read: 100 bytes, after \d+ were/,
    );
  });

  test('a file that is moved away while it is read is read to its end', async () => {
    const file = join(temporaryDirectory(), 'log');
    writeFileSync(file, lines(30_000, 1));
    let many = 0;
    const options = {
      tally: new LogTally(),
      taiSeconds: undefined,
      onProgress() {},
      onTrouble() {},
    };
    await mergeLogs(logSets([file], firstMs), options, () => {
      many += 1;
      if (many === 1) renameSync(file, `${file}.1`);
    });
    expect(many).toBe(30_000);
  });
});
