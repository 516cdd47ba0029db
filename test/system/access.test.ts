/**
 * Who may do what: each cell of the table in SECURITY of rater(8), tried by real users at the
 * listeners of a real daemon that runs as a user of its own.
 *
 * Tests: src/daemon/listeners/untrusted-clients.ts
 */
import { spawn } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { freePort } from '../run/free-port.ts';
import { unless } from '../run/unless.ts';
import { cannotBecomeNobody, nobody } from './nobody.ts';
import { refusal, secondsLeft } from './seconds-left.ts';
import { Site } from './site.ts';

/** rater runs as nobody, in whose group the member is; the outsider has nothing in common. */
const users = {
  owner: { uid: nobody, gid: nobody },
  member: { uid: 60_001, gid: nobody },
  outsider: { uid: 60_002, gid: 60_002 },
} as const;
type User = keyof typeof users;

const script = `
  const [where, text] = process.argv.slice(1);
  const socket = require('net').connect(where.startsWith('/') ? where : { port: Number(where) });
  let said = '';
  socket.setEncoding('latin1').on('data', (more) => { said += more; });
  socket.on('connect', () => socket.end(text)).on('error', (error) => console.log(error.code));
  socket.on('end', () => process.stdout.write(said));`;

let site: Site;
let checkPort: number;
let shellPort: number;

async function start(settings = ''): Promise<void> {
  [checkPort, shellPort] = [await freePort(), await freePort()];
  const ports = `port: ${checkPort}; control_port: ${shellPort};`;
  site = new Site({ limits: 'ip: ( ("*", 60, 3) );', settings: `${ports} ${settings}` }, nobody);
  chmodSync(site.directory, 0o755);
  await site.startRater('000');
}

afterEach(() => site.stop());

/** rater's reply to a user's text, or why that user cannot connect. */
function said(user: User, where: string | number, text: string): Promise<string> {
  const child = spawn(process.execPath, ['-e', script, String(where), text], {
    ...users[user],
    cwd: '/',
    env: {},
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout.setEncoding('latin1').on('data', (more: string) => {
      output += more;
    });
    child.on('error', reject).on('close', () => resolve(output.trimEnd()));
  });
}

const check = () => site.path('rater.sock');
const control = () => site.path('control.sock');
const blocked = async () => (await site.list()).map(({ address }) => address);

/** Asks by TCP, where each request takes a connection. */
async function saidByTcp(user: User, request: string, times: number): Promise<string[]> {
  const replies: string[] = [];
  for (let turn = 0; turn < times; turn += 1) {
    replies.push(await said(user, checkPort, `${request}\n`));
  }
  return replies;
}

describe('by default', unless(cannotBecomeNobody), () => {
  test('settings.socket: its group may ask, and have an address blocked; others may not', async () => {
    await start();
    const request = 'ip 192.0.2.1\n';
    expect(await said('outsider', check(), request)).toBe('EACCES');
    expect(await said('member', check(), request.repeat(4))).toMatch(
      new RegExp(`^0 1.*\r\n1 4/3 ${secondsLeft(120)}$`, 's'),
    );
    expect(await said('owner', check(), request)).toEqual(refusal('1 5/3', 120));
    expect(await blocked()).toEqual(['192.0.2.1']);
  });

  test('settings.control: only the user of rater and root may connect, and do everything', async () => {
    await start();
    const order = 'block 192.0.2.1\n';
    for (const user of ['outsider', 'member'] as const) {
      expect(await said(user, control(), order)).toBe('EACCES');
    }
    expect(await blocked()).toEqual([]);
    expect(await said('owner', control(), order)).toMatch(/^blocked 192\.0\.2\.1 .*\nOk$/s);
    expect(await site.ipthrottle('unblock', '192.0.2.1')).toMatchObject({ exit: 0 });
  });

  test('settings.port: everybody may ask and be refused, but nobody is blocked', async () => {
    await start();
    const request = 'ip 192.0.2.1';
    expect(await saidByTcp('outsider', request, 5)).toEqual([
      ...['0 1/3', '0 2/3', '0 3/3', '1 4/3', '1 5/3'],
    ]);
    expect([await blocked(), site.peers()]).toEqual([[], []]);
    // Nor does it count towards the client's limit at the socket, where ratecheck asks.
    const replies = await said('member', check(), `${request}\n`.repeat(3));
    expect(replies).toBe('0 1/3\r\n0 2/3\r\n0 3/3');
    await said('member', check(), `${request}\n`);
    expect(await blocked()).toEqual(['192.0.2.1']);
    expect(await saidByTcp('outsider', request, 1)).toEqual([refusal('1 6/3', 120)]);
  });

  test('settings.control_port: everybody may do everything', async () => {
    await start();
    expect(await said('outsider', shellPort, 'block 192.0.2.1\n')).toMatch(/^blocked/);
    expect(await blocked()).toEqual(['192.0.2.1']);
  });
});

test(
  'settings.tcp_trusted: everybody may have an address blocked by TCP',
  unless(cannotBecomeNobody),
  async () => {
    await start('tcp_trusted: true;');
    const replies = await saidByTcp('outsider', 'ip 192.0.2.1', 4);
    expect(replies).toEqual(['0 1/3', '0 2/3', '0 3/3', refusal('1 4/3', 120)]);
    expect(await blocked()).toEqual(['192.0.2.1']);
    expect(await said('member', check(), 'ip 192.0.2.1\n')).toEqual(refusal('1 5/3', 120));
  },
);

test(
  'settings.socket_mode: with 0666 everybody may ask at the socket, with 0600 only its owner',
  unless(cannotBecomeNobody),
  async () => {
    await start('socket_mode: "0666";');
    expect(await said('outsider', check(), 'ip 192.0.2.1\n')).toBe('0 1/3');
    expect(await said('outsider', control(), 'status\n')).toBe('EACCES');
    await site.stop();
    await start('socket_mode: "0600";');
    expect(await said('member', check(), 'ip 192.0.2.1\n')).toBe('EACCES');
    expect(await said('owner', check(), 'ip 192.0.2.1\n')).toBe('0 1/3');
  },
);
