/** Without a free descriptor nobody can be accepted: whatever takes them, clients or the machine. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import { missing, unless } from '../run/unless.ts';
import { connected, nextText } from './line-client.ts';
import { RunningProgram, until } from './running-program.ts';
import { Site } from './site.ts';

const program = fileURLToPath(new URL('../../bin/rater', import.meta.url));
const tellLoops = new URL('fixtures/tell-loops.mjs', import.meta.url);

let site: Site;

afterEach(() => site.stop());

/** A client that has asked, and its reply; '' when it was closed instead. */
async function asking(): Promise<{ socket: Socket; reply: string }> {
  const socket = await connected({ path: site.path('rater.sock') });
  onTestFinished(() => void socket.destroy());
  const isClosed = once(socket, 'close').then(
    () => '',
    () => '',
  );
  const reply = Promise.race([nextText(socket), isClosed]);
  socket.write('user a\n');
  return { socket, reply: await reply };
}

/** How often its event loop has turned. */
async function loops(rater: RunningProgram): Promise<number> {
  const told = () => rater.said.match(/loops \d+\n/g) ?? [];
  const before = told().length;
  rater.signal('SIGUSR2');
  await until('loops', () => told().length > before);
  return Number(told().at(-1)?.slice('loops '.length));
}

test(
  'who is connected is served, others are closed at once, until descriptors are free; told once',
  unless(missing('prlimit')),
  async () => {
    site = new Site({ limits: 'ip: (); user: ( ("*", 60, 1000) );' });
    const rater = new RunningProgram({
      command: [process.execPath, program, '-c', 'rater.conf'],
      directory: site.directory,
      environment: { NODE_OPTIONS: `--import ${tellLoops}` },
    });
    onTestFinished(() => rater.end());
    await rater.says(/all in force/);
    const open = readdirSync(`/proc/${rater.pid}/fd`).length;
    // The hard limit stays, so that only the soft one counts for a while.
    const limit = (most: string) =>
      execFileSync('prlimit', [`--pid=${rater.pid}`, `--nofile=${most}:`]);
    limit(String(open + 10));
    const clients = await Promise.all(Array.from({ length: 40 }, asking));
    const inside = clients.filter(({ reply }) => reply !== '');
    expect(inside.length).toBeGreaterThan(0);
    expect(inside.length).toBeLessThan(clients.length);
    await rater.says(/error: listener: what="EMFILE: [^"]+" count=1/);

    const before = await loops(rater);
    await pause(500);
    expect((await loops(rater)) - before).toBeLessThan(200);

    for (const [at, { socket }] of inside.entries()) {
      const reply = nextText(socket);
      socket.write('user a\n');
      expect(await reply).toBe(`0 ${inside.length + at + 1}/1000\r\n`);
    }
    for (const { socket } of inside) socket.destroy();
    await until('a free place', async () => (await asking()).reply !== '');
    const { stdout } = await site.ipthrottle('status', '--json');
    expect(JSON.parse(stdout).degraded.listener.count).toBeGreaterThan(0);
    expect(rater.said.match(/error: listener/g)).toHaveLength(1);
  },
);
