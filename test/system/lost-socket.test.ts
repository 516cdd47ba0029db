/**
 * The files of rater's sockets are removed or taken while it runs: it listens anew, loses nobody
 * who is connected, and removes nothing that is not its own.
 *
 * Tests: src/daemon/listeners/socket-watch.ts
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { ask, connected, nextText } from './line-client.ts';
import type { RunningProgram } from './running-program.ts';
import { until } from './running-program.ts';
import { Site } from './site.ts';

let site: Site;
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await site.stop();
});

function say(text: string): Promise<string> {
  return ask({ path: site.path('rater.sock') }, [text]);
}

/** A connected client, until the test is over; `ask` resolves with the next reply. */
async function client() {
  const socket = await connected({ path: site.path('rater.sock') });
  sockets.push(socket);
  return (line: string) => {
    const reply = nextText(socket);
    socket.write(line);
    return reply;
  };
}

function traitsOf(path: string) {
  const { mode, gid } = lstatSync(path);
  return { mode, gid };
}

const again = (name: string, why: string) => {
  return new RegExp(`^rater: warn: listening again: socket=\\S*${name} why="${why}"$`, 'm');
};
const removed = 'its file was removed';

/** Something that is in the socket's place. */
function trouble(rater: RunningProgram, what: string): Promise<void> {
  return rater.says(new RegExp(`error: trouble: part="socket .*rater\\.sock" what=".*${what}"`));
}

async function troubles(): Promise<unknown[]> {
  const { stdout } = await site.ipthrottle('status', '--json');
  return JSON.parse(stdout).troubles;
}

test('without its file the check socket is made anew; sessions and hits go on', async () => {
  site = new Site({
    settings: 'socket_mode: "0620";',
    limits: 'ip: ( ("*", 60, 10) ); }; classes : { ip: { concurrent: 1; }; ',
  });
  const rater = await site.startRater();
  const session = await client();
  expect(await session('+ip 192.0.2.1\n')).toBe('0 1/10\r\n');
  const idle = await client();
  const before = traitsOf(site.path('rater.sock'));
  unlinkSync(site.path('rater.sock'));
  expect(await idle('ip 192.0.2.9\n')).toBe('0 1/10\r\n');
  await rater.says(again('rater\\.sock', removed));
  expect(traitsOf(site.path('rater.sock'))).toEqual(before);
  expect(await say('ip 192.0.2.9\n')).toBe('0 2/10\r\n');
  expect(await idle('ip 192.0.2.9\n')).toBe('0 3/10\r\n');
  // The session that began before is counted: it is the only one that may be.
  expect(await say('+ip 192.0.2.1\n')).toMatch(/^1 /);
  const { stdout } = await site.ipthrottle('fds');
  expect(stdout.match(/^check +- +clients on /gm)).toHaveLength(1);
  expect(await troubles()).toEqual([]);
  unlinkSync(site.path('rater.sock'));
  await until('it is made anew once more', () => say('ip 192.0.2.9\n').then(Boolean, () => false));
  await rater.killedBy('SIGTERM');
  expect(() => lstatSync(site.path('rater.sock'))).toThrow('ENOENT');
});

test('without its file the control socket is made anew', async () => {
  site = new Site();
  const rater = await site.startRater();
  const before = traitsOf(site.path('control.sock'));
  unlinkSync(site.path('control.sock'));
  await rater.says(again('control\\.sock', removed));
  expect(traitsOf(site.path('control.sock'))).toEqual(before);
  expect(await site.ipthrottle('status')).toMatchObject({ exit: 0 });
});

test('a file that is not a socket stays, is trouble until it is gone, and survives rater', async () => {
  site = new Site();
  const rater = await site.startRater();
  const idle = await client();
  const path = site.path('rater.sock');
  writeFileSync(`${path}.new`, 'precious');
  renameSync(`${path}.new`, path);
  await trouble(rater, 'is there and is not a socket');
  expect(await troubles()).toMatchObject([{ part: `socket ${path}` }]);
  expect(await idle('ip 192.0.2.1\n')).toBe('0 1/10\r\n');
  rmSync(path);
  await rater.says(/recovered: part="socket .*rater\.sock"/);
  expect(await say('ip 192.0.2.1\n')).toBe('0 2/10\r\n');
  writeFileSync(`${path}.new`, 'precious');
  renameSync(`${path}.new`, path);
  await rater.killedBy('SIGTERM');
  expect(readFileSync(path, 'utf8')).toBe('precious');
});

test('without its directory it is trouble, and made anew once that is back', async () => {
  site = new Site({ settings: 'control: "run/control.sock";' });
  mkdirSync(site.path('run'));
  const rater = await site.startRater();
  rmSync(site.path('run'), { recursive: true });
  await rater.says(/trouble: part="socket .*run\/control\.sock"/);
  mkdirSync(site.path('run'));
  await rater.says(/recovered: part="socket .*run\/control\.sock"/);
  await say('ip 192.0.2.1\n');
  const { exit, stdout } = await site.ipthrottle('doctor');
  expect(exit).toBe(0);
  expect(stdout).toMatch(
    /something else had the name of a socket, .*; remedy: .*make its directory anew/,
  );
});

test("somebody else's socket stays while its program listens, and is replaced when that is dead", async () => {
  site = new Site();
  const rater = await site.startRater();
  const path = site.path('rater.sock');
  // Put there by one rename: rater would take a name that is free for a moment.
  const other = createServer((socket) => socket.end('mine\n').on('error', () => {}));
  await once(other.listen(`${path}.new`), 'listening');
  renameSync(`${path}.new`, path);
  await trouble(rater, "is there and is somebody else's");
  expect(await say('ip 192.0.2.1\n')).toBe('mine\n');
  other.close();
  await rater.says(/recovered: part="socket .*rater\.sock"/);
  expect(await say('ip 192.0.2.1\n')).toBe('0 1/10\r\n');

  const listen = `const [path] = process.argv.slice(1);
    require("net").createServer().listen(path + ".new", () => {
      require("fs").renameSync(path + ".new", path);
      console.log(1);
    })`;
  const dying = spawn(process.execPath, ['-e', listen, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await Promise.race([once(dying.stdout, 'data'), once(dying, 'exit')]);
  dying.kill('SIGKILL');
  await once(dying, 'close');
  await until('rater listens there', () =>
    say('ip 192.0.2.1\n').then(
      (r) => r === '0 2/10\r\n',
      () => false,
    ),
  );
});
