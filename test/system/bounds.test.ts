/** What rater does at its bounds on values, connections, operators and blocks. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { freePort } from '../run/free-port.ts';
import { missing, unless } from '../run/unless.ts';
import { ask, connected } from './line-client.ts';
import { type RunningProgram, until } from './running-program.ts';
import { secondsLeft } from './seconds-left.ts';
import { Site } from './site.ts';

let site: Site;
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await site.stop();
});

function say(...lines: string[]): Promise<string> {
  return ask({ path: site.path('rater.sock') }, [lines.map((line) => `${line}\n`).join('')]);
}

async function silentClient(where: { path: string } | { host: string; port: number }) {
  const socket = await connected(where);
  sockets.push(socket);
  return socket;
}

/** Waits until rater has this many check clients: either of two listeners may be first. */
async function accepted(many: number): Promise<void> {
  await until(`${many} clients to be accepted`, async () => {
    const said = await ask({ path: site.path('control.sock') }, ['fds\n']);
    return said.match(/^check .* a request$/gm)?.length === many;
  });
}

/** How often the log has the event, once it has it. */
async function told(rater: RunningProgram, event: string): Promise<number> {
  await rater.says(new RegExp(`^rater: warn: ${event}:.*$`, 'm'));
  return rater.said.split('\n').filter((line) => line.includes(`rater: warn: ${event}:`)).length;
}

test('max_values: the oldest value is forgotten, all others count on; told once', async () => {
  site = new Site({ limits: 'ip: (); user: ( ("*", 60, 20) );', settings: 'max_values: 100;' });
  const rater = await site.startRater();
  const values = Array.from({ length: 300 }, (_, number) => `user v${number}`);
  for (const [turn, value] of values.entries()) {
    expect(await say(value, 'user steady')).toBe(
      `0 1/20\r\n${turn < 20 ? 0 : 1} ${Math.min(turn + 1, 40)}/20\r\n`,
    );
  }
  const { values: tracked } = JSON.parse((await site.ipthrottle('status', '--json')).stdout);
  expect(tracked).toBe(100);
  expect(await told(rater, 'value forgotten')).toBe(1);
  expect(rater.said).toMatch(/^rater: warn: value forgotten: class=user value=\w+ count=1$/m);
});

test('max_connections: one more is closed at once and ratecheck fails open, unless it sends a datagram; told once', async () => {
  const port = await freePort();
  site = new Site({ settings: `max_connections: 5; port: ${port};` });
  const rater = await site.startRater();
  const path = site.path('rater.sock');
  for (let open = 0; open < 4; open += 1) await silentClient({ path });
  await silentClient({ host: '127.0.0.1', port });
  await accepted(5);
  for (const where of [{ path }, { host: '127.0.0.1', port }]) {
    const refused = await silentClient(where);
    refused.resume();
    await once(refused, 'close');
  }
  const ratecheck = (...options: string[]) => {
    const program = new URL('../../bin/ratecheck', import.meta.url).pathname;
    const args = [...options, '-s', path, '-t', '60000', 'echo', 'served'];
    const env = { PROTO: 'TCP', TCPREMOTEIP: '192.0.2.1', PATH: process.env.PATH };
    return spawnSync(program, args, { encoding: 'utf8', env });
  };
  expect(ratecheck('-k').stdout).toBe('served\n');
  expect(ratecheck('-k', '-F').stdout).toMatch(/^421 /);
  const { stdout } = await site.ipthrottle('status', '--json');
  const hasDatagrams = JSON.parse(stdout).datagrams !== null;
  expect(ratecheck('-F').stdout).toMatch(hasDatagrams ? /^served$/m : /^421 /);
  expect(await told(rater, 'connection refused')).toBe(1);
  expect(rater.said).toMatch(/^rater: warn: connection refused: open=5 count=1$/m);

  // The operator still gets in, and a place that is free again is given away.
  expect(await site.ipthrottle('status')).toMatchObject({ exit: 0 });
  sockets[0]?.destroy();
  let reply = '';
  await until('a free place', async () => {
    reply = await say('ip 192.0.2.1').catch(() => '');
    return reply !== '';
  });
  expect(reply).toBe(hasDatagrams ? '0 2/10\r\n' : '0 1/10\r\n');
});

test('max_connections: by TCP at most half of them, so the socket has room in any case', async () => {
  const port = await freePort();
  site = new Site({ settings: `max_connections: 5; port: ${port};` });
  const rater = await site.startRater();
  const byTcp = { host: '127.0.0.1', port };
  for (let open = 0; open < 3; open += 1) await silentClient(byTcp);
  const refused = (await silentClient(byTcp)).resume();
  await once(refused, 'close');
  await rater.says(/^rater: warn: connection refused: open=3 count=1$/m);
  expect(await say('ip 192.0.2.1')).toBe('0 1/10\r\n');
  await accepted(3);
  for (let open = 0; open < 2; open += 1) await silentClient({ path: site.path('rater.sock') });
  await once((await silentClient({ path: site.path('rater.sock') })).resume(), 'close');
});

test('backlog: so many may wait at a Unix socket, and no more', async () => {
  site = new Site({ settings: 'backlog: 3;' });
  const rater = await site.startRater();
  rater.signal('SIGSTOP');
  const outcomes = Array.from({ length: 8 }, async () => {
    const socket = connect(site.path('rater.sock'));
    sockets.push(socket);
    return await once(socket, 'connect').then(
      () => 'connected',
      ({ code }) => code,
    );
  });
  const met = await Promise.all(outcomes);
  // Linux counts from 0.
  expect(met.filter((outcome) => outcome === 'connected')).toHaveLength(4);
  expect(met.filter((outcome) => outcome === 'EAGAIN')).toHaveLength(4);
});

test('backlog: every listener has it', unless(missing('ss')), async () => {
  const [port, controlPort] = [await freePort(), await freePort()];
  site = new Site({ settings: `backlog: 7; port: ${port}; control_port: ${controlPort};` });
  await site.startRater();
  const { stdout } = spawnSync('ss', ['-lntxH'], { encoding: 'utf8' });
  const listeners = stdout.split('\n').map((line) => line.trim().split(/ +/));
  const wanted = ['rater.sock', 'control.sock'].map((name) => site.path(name));
  for (const where of [...wanted, `127.0.0.1:${port}`, `127.0.0.1:${controlPort}`]) {
    const found = listeners.filter((words) => words.includes(where));
    // Type, state, how many wait, and how many may.
    expect(found.map(([, , , most]) => most)).toEqual(['7']);
  }
});

test('max_values: hits by TCP push out none that were made at the socket', async () => {
  const port = await freePort();
  site = new Site({
    limits: 'ip: (); user: ( ("*", 60, 20) );',
    settings: `max_values: 10; port: ${port};`,
  });
  await site.startRater();
  const ofSocket = Array.from({ length: 10 }, (_, number) => `user s${number}`);
  await say(...ofSocket);
  for (let number = 0; number < 30; number += 1) {
    const line = `user t${number}\n`;
    await ask({ host: '127.0.0.1', port }, [line], { endFirst: false });
  }
  expect(await say(...ofSocket)).toBe('0 2/20\r\n'.repeat(10));
  const { values } = JSON.parse((await site.ipthrottle('status', '--json')).stdout);
  expect(values).toBe(20);
});

describe('the operator', () => {
  const most = 64;

  test('may be connected 64 times; one more is closed at once, and told once', async () => {
    const port = await freePort();
    site = new Site({ settings: `control_port: ${port};` });
    const rater = await site.startRater();
    const byTcp = { host: '127.0.0.1', port };
    for (let open = 0; open < most; open += 1) await silentClient(byTcp);
    for (let more = 0; more < 3; more += 1) {
      await once((await silentClient(byTcp)).resume(), 'close');
    }
    expect(await told(rater, 'operator refused')).toBe(1);
    expect(rater.said).toMatch(/^rater: warn: operator refused: open=64 count=1$/m);

    // Clients that fill the port take no room from the socket or from checks.
    expect(await site.ipthrottle('block', '192.0.2.9')).toMatchObject({ exit: 0 });
    expect(await say('ip 192.0.2.1')).toBe('0 1/10\r\n');
    sockets[0]?.destroy();
    await until('a free place', async () => {
      const said = await ask(byTcp, ['uptime\nexit\n']).catch(() => '');
      return said.endsWith('Ok\r\n');
    });
  });

  test('is told that there is no room at the socket, and nothing is done', async () => {
    site = new Site();
    await site.startRater();
    const path = site.path('control.sock');
    for (let open = 0; open < most; open += 1) await silentClient({ path });
    const { exit, stderr } = await site.ipthrottle('block', '192.0.2.9');
    expect({ exit, stderr }).toEqual({
      exit: 111,
      stderr: expect.stringMatching(/^ipthrottle: error: rater does not answer: /),
    });
    expect(site.peers()).toEqual([]);
    for (const socket of sockets.splice(0)) socket.destroy();
    await until('a free place', async () => {
      return (await site.ipthrottle('block', '192.0.2.9')).exit === 0;
    });
    expect(site.peers()).toEqual(['192.0.2.9']);
  });
});

test('sessions: there are never more than connections, and they end with these', async () => {
  site = new Site({
    limits: 'ip: ( ("*", 60, -1) ); } ; classes : { ip: { concurrent: 100; };',
    settings: 'max_connections: 5;',
  });
  await site.startRater();
  const path = site.path('rater.sock');
  for (let open = 0; open < 5; open += 1) {
    const session = await silentClient({ path });
    session.write('+ip 192.0.2.1\n');
    expect(String(await once(session, 'data'))).toBe(`0 ${open + 1}/-\r\n`);
    session.write('+ip 192.0.2.2\n');
    expect(String(await once(session, 'data'))).toMatch(/^2 .*a session already/);
  }
  await once((await silentClient({ path })).resume(), 'close');
  const sessions = async () => {
    const { stdout } = await site.ipthrottle('check', '--json', '192.0.2.1');
    return JSON.parse(stdout).limits[0].sessions;
  };
  expect(await sessions()).toBe(5);
  for (const socket of sockets.splice(0)) socket.destroy();
  await until('the end of all sessions', async () => (await sessions()) === 0);
});

test('max_blocks: beyond it clients are refused by their count and not blocked; told once', async () => {
  site = new Site({ limits: 'ip: ( ("*", 60, 1) );', settings: 'max_blocks: 3;' });
  const rater = await site.startRater();
  const addresses = Array.from({ length: 6 }, (_, number) => `192.0.2.${number}`);
  for (const address of addresses) await say(`ip ${address}`);
  const replies: string[] = [];
  for (const address of addresses) replies.push(await say(`ip ${address}`));
  const refusedFor = expect.stringMatching(`^1 2/1 ${secondsLeft(120)}\r\n$`);
  expect(replies).toEqual([...Array(3).fill(refusedFor), ...Array(3).fill('1 2/1\r\n')]);
  expect(site.peers()).toEqual(addresses.slice(0, 3));
  expect(await told(rater, 'block not made')).toBe(1);
  expect(rater.said).toContain('rater: warn: block not made: address=192.0.2.3 blocks=3 count=1\n');

  // An operator may block; with room again, so does a limit.
  expect(await site.ipthrottle('block', '203.0.113.1')).toMatchObject({ exit: 0 });
  expect(site.peers()).toHaveLength(4);
  for (const address of ['192.0.2.0', '203.0.113.1']) await site.ipthrottle('unblock', address);
  expect(await say(`ip 192.0.2.3`)).toEqual(refusedFor);
  expect(site.peers()).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.3']);
});

test('max_history: the oldest offences are forgotten; told once', async () => {
  site = new Site({
    limits: 'ip: ( ("*", 60, 1) );',
    settings: 'max_history: 2; expiration_timer: 1;',
  });
  const rater = await site.startRater();
  for (let last = 1; last <= 4; last += 1) await say(`ip 192.0.2.${last}`, `ip 192.0.2.${last}`);
  expect(await site.ipthrottle('unblock', '192.0.2.1', '192.0.2.2')).toMatchObject({ exit: 0 });
  await rater.says(/offence forgotten: count=\d/);
  const offences = async (last: number) => {
    await say(`ip 192.0.2.${last}`, `ip 192.0.2.${last}`);
    const { times } =
      (await site.list()).find(({ address }) => address === `192.0.2.${last}`) ?? {};
    return times;
  };
  await until('the first is forgotten', async () => {
    await site.ipthrottle('unblock', '192.0.2.1');
    return (await offences(1)) === 1;
  });
  expect(await told(rater, 'offence forgotten')).toBe(1);
});
