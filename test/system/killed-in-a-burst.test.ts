/**
 * kill -9 in a burst of eight clients, again and again: whatever instruction was the last, a client
 * that was told so is blocked, the store knows every block on disk, and after a restart disk and
 * store agree.
 *
 * KILLS=400 in the environment kills it 400 times, at random instants.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import type { RunningProgram } from './running-program.ts';
import { Site } from './site.ts';

const rounds = Number(process.env.KILLS ?? 20);
const clientsPerRound = 8;
const roundPatienceMs = 20_000;

let site: Site;

afterEach(() => site.stop());

/**
 * Lets new hosts come twice, which is once too often, one after the other until rater is gone;
 * returns those that were told that they are blocked.
 */
function flood(path: string, round: number, client: number): Promise<string[]> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const told: string[] = [];
    let [turn, said] = [0, ''];
    const host = () => `10.${round % 256}.${client * 16 + (turn >> 8)}.${turn & 255}`;
    const send = () => socket.write(`ip ${host()}\n`.repeat(2));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(told));
    socket.setEncoding('latin1').on('data', (more) => {
      said += more;
      if (!/\n.*\r\n$/.test(said)) return;
      if (/\n1 .* \d+\r\n$/.test(said)) told.push(host());
      [turn, said] = [turn + 1, ''];
      send();
    });
    send();
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

/** Another instant each round: while connecting, counting, blocking, rebuilding. */
function instantOf(round: number): number {
  return process.env.KILLS ? Math.random() * 150 : (round * 37) % 97;
}

test('a refused client is blocked in the store and on disk before it is told', async () => {
  site = new Site({ limits: 'ip: ( ("*", 60, 1) );' });
  for (let host = 1; host <= 5; host++) {
    const rater = await site.startRater();
    const address = `192.0.2.${host}`;
    expect(await killAtRefusal(rater, `ip ${address}\nip ${address}\n`)).toContain(address);
    await rater.ends();
    expect((await site.list()).map((block) => block.address)).toContain(address);
  }
});

test(
  `kill -9 in a burst, ${rounds} times: no file without row, nothing half-written`,
  async () => {
    site = new Site({ limits: 'ip: ( ("*", 60, 1) );', rules: ':allow\n', seconds: 3600 });
    let [most, everTold] = [0, 0];
    for (let round = 0; round < rounds; round++) {
      const rater = await site.startRater();
      const clients = Array.from({ length: clientsPerRound }, (_, client) => {
        return flood(site.path('rater.sock'), round, client);
      });
      await sleep(instantOf(round));
      await rater.killedBy('SIGKILL');
      const told = (await Promise.all(clients)).flat();

      const rows = new Set((await site.list()).map(({ address }) => address));
      const files = site.peers().filter((name) => !name.startsWith('..'));
      expect(
        told.filter((address) => !rows.has(address) || !files.includes(address)),
        'told, and not blocked',
      ).toEqual([]);
      expect(
        files.filter((name) => !rows.has(name)),
        'files without row',
      ).toEqual([]);
      expect(rows.size - files.length, 'rows whose file was on its way').toBeLessThanOrEqual(1);
      expect(await site.isDeniedByCdb('192.0.2.1'), 'the cdb is whole').toBe(false);
      most = Math.max(most, rows.size);
      everTold += told.length;
    }
    expect(most).toBeGreaterThan(rounds);
    expect(everTold).toBeGreaterThan(0);

    const rater = await site.startRater();
    const rows = (await site.list()).map(({ address }) => address).sort();
    expect(site.peers()).toEqual(rows);
    for (const name of rows) {
      const path = site.path('peers', name);
      expect(statSync(path).mode & 0o7777, name).toBe(0o200);
      if (process.getuid?.() === 0) {
        expect(readFileSync(path, 'utf8')).toMatch(
          /^ipthrottle block\naddress .*\nsource rate\n$/s,
        );
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
  },
  60_000 + rounds * roundPatienceMs,
);
