/**
 * What the log writes, and what it does when nobody reads it; full disks: system/disk-faults.test.ts.
 *
 * Tests: src/daemon/pino-line.ts
 */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { daemonLog, type LogFormat } from '../../src/daemon/daemon-log.ts';
import { temporaryDirectory } from '../run/temporary-directory.ts';
import { until } from '../system/running-program.ts';

async function openLog(file: string, format: LogFormat, level = 3) {
  const broken: string[] = [];
  let mended = 0;
  const log = await daemonLog({
    ...{ file, level, format },
    onBroken: (why) => broken.push(why),
    onMended: () => {
      mended += 1;
    },
  });
  return { log, broken, mended: () => mended };
}

/** As a pattern that matches it and nothing else. */
function escaped(text: string): string {
  return text.replace(/[^\w ]/g, String.raw`\$&`);
}

const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;

test.each<[LogFormat, string, string]>([
  ['plain', String.raw`rater: info: hit: value="a\u202eb" count=3`, 'rater: warn: end'],
  [
    'human',
    String.raw`${time} rater: info: hit: value="a\u202eb" count=3`,
    `\u001b[33m${time} rater: warn: end\u001b[0m`,
  ],
  [
    'json',
    String.raw`{"level":"info","time":"${time}","value":"a\u202eb","count":3,"msg":"hit"}`,
    `{"level":"warn","time":"${time}","msg":"end"}`,
  ],
])(
  '%s: an event is a line, and no character of a value drives a terminal',
  async (format, ...lines) => {
    const file = join(temporaryDirectory(), 'log');
    const { log } = await openLog(file, format);
    log.info('hit', { value: 'a\u202eb', count: 3, none: undefined });
    log.warn('end');
    const literal = (line: string) => line.split(time).map(escaped).join(time);
    const written = readFileSync(file, 'utf8').split('\n');
    expect(written).toEqual([
      ...lines.map((line) => expect.stringMatching(`^${literal(line)}$`)),
      '',
    ]);
  },
);

test('only what the level lets through is written, and debug is not even there below 4', async () => {
  const file = join(temporaryDirectory(), 'log');
  const { log } = await openLog(file, 'plain', 1);
  expect(log.debug).toBeUndefined();
  log.warn('no');
  log.error('one');
  log.setLevel(4);
  log.debug?.('two');
  log.setLevel(0);
  log.error('no');
  expect(readFileSync(file, 'utf8')).toBe('rater: error: one\nrater: debug: two\n');
});

test('a pipe whose reader has gone is trouble, and lines wait for the next reader', async () => {
  const file = join(temporaryDirectory(), 'pipe');
  execFileSync('mkfifo', [file]);
  const read = () => openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  const gone = read();
  const { log, broken, mended } = await openLog(file, 'plain');
  closeSync(gone);
  log.info('kept');
  expect(broken).toEqual([expect.stringContaining('EPIPE')]);
  const next = read();
  log.info('more');
  await until('the end of the trouble', () => mended() === 1);
  const bytes = Buffer.alloc(1000);
  const text = bytes.toString('latin1', 0, readSync(next, bytes));
  closeSync(next);
  expect(text).toBe(
    'rater: info: kept\nrater: info: more\nrater: warn: recovered: part="writing the log" lost=0\n',
  );
});
