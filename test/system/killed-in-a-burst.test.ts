/**
 * kill -9 in the midst of a burst, again and again: whatever instruction was the last, the store
 * knows every block on disk, and after a restart disk and store are the same.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import type { RunningProgram } from './running-program.ts';
import { Site } from './site.ts';

const rounds = 20;
/** Enough that a burst never ends by itself before the kill. */
const hostsPerRound = 30_000;

let site: Site;

afterEach(() => site.stop());

/** Has every host of 10.ROUND. come twice, which is once too often. Ends when rater does. */
function flood(path: string, round: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const lines = Array.from({ length: hostsPerRound }, (_, host) => {
      return `ip 10.${round}.${host >> 8}.${host & 255}\n`.repeat(2);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    socket.resume();
    socket.write(lines.join(''));
  });
}

/** Sends the lines and kills rater at the very byte that says `1`; the files there were then. */
function killAtRefusal(rater: RunningProgram, lines: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(site.path('rater.sock'));
    socket.on('error', reject);
    socket.on('data', (replies) => {
      if (!/^1 /m.test(replies.toString())) return;
      rater.signal('SIGKILL');
      socket.destroy();
      resolve(site.peers());
    });
    socket.write(lines);
  });
}

/** A different instant each round: while connecting, counting, blocking, rebuilding. */
function instantOf(round: number): number {
  return (round * 37) % 97;
}

test('who is told that it is refused is blocked, in the store and on disk, before it is told', async () => {
  site = new Site({ limits: 'ip: ( ("*", 60, 1) );' });
  for (let host = 1; host <= 5; host++) {
    const rater = await site.startRater();
    const address = `192.0.2.${host}`;
    expect(await killAtRefusal(rater, `ip ${address}\nip ${address}\n`)).toContain(address);
    await rater.ends();
    expect((await site.list()).map((block) => block.address)).toContain(address);
  }
});

test(`kill -9 in a burst, ${rounds} times: no file without row, nothing half-written`, async () => {
  site = new Site({ limits: 'ip: ( ("*", 60, 1) );', rules: ':allow\n', seconds: 3600 });
  let most = 0;
  for (let round = 0; round < rounds; round++) {
    const rater = await site.startRater();
    const flooded = flood(site.path('rater.sock'), round);
    await sleep(instantOf(round));
    await rater.killedBy('SIGKILL');
    await flooded;

    const rows = new Set((await site.list()).map(({ address }) => address));
    const files = site.peers().filter((name) => !name.startsWith('..'));
    expect(
      files.filter((name) => !rows.has(name)),
      'files without row',
    ).toEqual([]);
    expect(rows.size - files.length, 'rows whose file was on its way').toBeLessThanOrEqual(1);
    expect(await site.isDeniedByCdb('192.0.2.1'), 'the cdb is whole').toBe(false);
    most = Math.max(most, rows.size);
  }
  expect(most).toBeGreaterThan(rounds);

  const rater = await site.startRater();
  const rows = (await site.list()).map(({ address }) => address).sort();
  expect(site.peers()).toEqual(rows);
  for (const name of rows) {
    const path = site.path('peers', name);
    expect(statSync(path).mode & 0o7777, name).toBe(0o200);
    if (process.getuid?.() === 0) {
      expect(readFileSync(path, 'utf8')).toMatch(/^ipthrottle block\naddress .*\nsource rate\n$/s);
    }
  }
  const last = rows.at(-1) ?? '';
  expect(await site.isDeniedByCdb(last)).toBe(true);
  expect(readdirSync(site.directory).filter((name) => name.startsWith('..'))).toEqual([]);

  expect(await site.ipthrottle('unblock', '--all')).toMatchObject({ exit: 0 });
  expect(site.peers()).toEqual([]);
  expect(await site.list()).toEqual([]);
  await rater.killedBy('SIGTERM');
  expect(await site.isDeniedByCdb(last)).toBe(false);
});
