/** Clients that ratecheck let in unasked are counted, whatever is put where it tells of them. */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { FailedOpen } from '../../../src/daemon/listeners/failed-open.ts';
import { Health } from '../../../src/health/health.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { builtRatecheck, run } from '../../ratecheck/programs.ts';
import { temporaryDirectory } from '../../run/temporary-directory.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

function site() {
  const socket = join(temporaryDirectory(), 'rater.sock');
  const health = new Health(silent, systemClock);
  const failedOpen = new FailedOpen(socket, health);
  onTestFinished(() => failedOpen.close());
  const path = `${socket}.failed-open`;
  const count = () => {
    failedOpen.look();
    return health.tally('failed open').count;
  };
  const trouble = () => {
    failedOpen.look();
    return health.trouble('failed open file')?.what;
  };
  /** As ratecheck does, with nobody at the socket. */
  const failOpen = (...args: string[]) => {
    return run([builtRatecheck(), ...args, '-s', socket, '-v', '192.0.2.1', 'echo', 'served']);
  };
  return { path, socket, failedOpen, count, trouble, failOpen };
}

test('each client that is let in is counted, and none that is turned away', async () => {
  const { count, failOpen } = site();
  expect(count()).toBe(0);
  for (let turn = 0; turn < 3; turn += 1) {
    expect(await failOpen()).toMatchObject({ status: 0, stdout: 'served\n' });
  }
  expect(await failOpen('-F')).toMatchObject({ status: 111 });
  expect(count()).toBe(3);
  expect(count()).toBe(3);
});

test('everybody may write to the pipe, and only we may read it, under any umask', () => {
  const { count, path } = site();
  const umask = process.umask(0o077);
  onTestFinished(() => void process.umask(umask));
  count();
  expect(lstatSync(path).mode & 0o7777).toBe(0o622);
  expect(lstatSync(path).isFIFO()).toBe(true);
});

test('a pipe that an earlier rater left is used, and one that was removed is made anew', async () => {
  const { count, path, socket, failOpen } = site();
  spawnSync('mkfifo', ['-m', '0600', path]);
  expect(count()).toBe(0);
  expect((await failOpen()).status).toBe(0);
  expect(count()).toBe(1);
  rmSync(path);
  expect(count()).toBe(1);
  expect((await failOpen()).status).toBe(0);
  expect(count()).toBe(2);
  expect(lstatSync(path).mode & 0o777).toBe(0o622);
  expect(socket).not.toBe(path);
});

test('a flood is counted in bounded pieces, and a full pipe keeps no client waiting', async () => {
  const { count, path, failOpen } = site();
  count();
  const pipe = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  onTestFinished(() => closeSync(pipe));
  const page = Buffer.alloc(4096);
  expect(() => {
    for (;;) writeSync(pipe, page);
  }).toThrow(/EAGAIN/);
  const startMs = performance.now();
  expect(await failOpen('-t', '600000')).toMatchObject({ status: 0, stdout: 'served\n' });
  expect(performance.now() - startMs).toBeLessThan(60_000);
  expect(count()).toBe(65_536);
  expect(count()).toBe(65_536);
});

test('without a reader ratecheck goes on, and its program has the signals it should', async () => {
  const { count, failedOpen, socket } = site();
  count();
  failedOpen.close();
  const program = ['grep', '-E', '^(SigPnd|SigBlk)', '/proc/self/status'];
  const told = await run([builtRatecheck(), '-s', socket, '-v', 'x', ...program]);
  expect(told.stdout).toBe((await run(program)).stdout);
});

test.each([
  ['a file', (path: string) => writeFileSync(path, 'mine'), /is no pipe$/],
  ['a directory', (path: string) => mkdirSync(path), /is no pipe$/],
  [
    'a link to a file',
    (path: string) => {
      writeFileSync(`${path}.target`, 'mine');
      symlinkSync(`${path}.target`, path);
    },
    /is no pipe$/,
  ],
])('%s in its place is left alone, and is trouble until it is gone', async (_, plant, what) => {
  const { path, trouble, failOpen } = site();
  plant(path);
  const before = lstatSync(path).ino;
  expect(trouble()).toMatch(what);
  expect((await failOpen()).stdout).toBe('served\n');
  expect(lstatSync(path).ino).toBe(before);
  if (!lstatSync(path).isDirectory()) expect(readFileSync(path, 'utf8')).toBe('mine');
  rmSync(path, { recursive: true });
  expect(trouble()).toBeUndefined();
});
