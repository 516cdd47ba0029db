/**
 * Checks by datagram: answered as by a connection, from the same counts, and nothing that a sender does
 * keeps anybody else waiting.
 *
 * Tests: src/transport/datagrams.c
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, lstatSync, readdirSync, unlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { loadNativeTransport } from '../../src/daemon/listeners/native-transport.ts';
import { examine, startAsked } from '../doctor/examination.ts';
import { builtRatecheck } from '../ratecheck/programs.ts';
import { missing, notRoot, unless } from '../run/unless.ts';
import { compileDatagrams } from './datagram-client.ts';
import { ask, connected, nextText } from './line-client.ts';
import { RunningProgram, until } from './running-program.ts';
import { secondsLeft } from './seconds-left.ts';
import { Site } from './site.ts';

const addon = fileURLToPath(new URL('../../dist/transport.node', import.meta.url));
const native = loadNativeTransport();
const noCookie = 'trouble' in native ? native.trouble : native.cookie() ? undefined : 'no cookies';
const cannot = noCookie ? `no datagrams: ${noCookie}` : missing('cc');

describe('a datagram', unless(cannot), () => {
  const datagrams = compileDatagrams();
  let site: Site;

  afterEach(() => site.stop());

  const name = () => `rater.sock.${'trouble' in native ? '' : native.cookie()}`;
  const send = (...lines: string[]) => datagrams(site.path(name()), ...lines);

  test('is answered and counted like a line by a connection, and may lead to a block', async () => {
    site = new Site({ limits: 'ip: ( ("*", 60, 2) );' });
    await site.startRater();
    expect(await send('ip 192.0.2.1\\n')).toEqual({ exit: 0, said: '0 1/2\r\n' });
    expect(await ask({ path: site.path('rater.sock') }, ['ip 192.0.2.1\n'])).toBe('0 2/2\r\n');
    const { said } = await send('ip 192.0.2.1');
    expect(said).toMatch(new RegExp(`^1 3/2 ${secondsLeft(120)}\r\n$`));
    expect(site.peers()).toEqual(['192.0.2.1']);
  });

  test.for([
    { what: 'without an end', line: 'user a', reply: '0 1/20' },
    { what: 'with CRLF', line: 'user a\\r\\n', reply: '0 1/20' },
    { what: 'of nothing', line: '', reply: '2 Bad input (no space)' },
    { what: 'of an end only', line: '\\n', reply: '2 Bad input (no space)' },
    { what: 'in UTF-8', line: 'user gr\u00fcn', reply: '0 1/20' },
    {
      what: 'with 1000 bytes',
      line: 'user  aaaa%%%%%%%%%aaaaaaaaaa%'.slice(0, -1),
      reply: '0 1/20',
    },
    { what: 'with more than 1000 bytes', line: 'user %%%%%%%%%%\\n', reply: '2 Line is too long' },
    { what: 'that is far too long', line: `${'%'.repeat(300)}`, reply: '2 Line is too long' },
    { what: 'for a session', line: '+user a', reply: '2 A datagram stands for no session' },
  ])('$what is answered', async ({ line, reply }) => {
    site = new Site({ limits: 'ip: (); user: ( ("*", 60, 20) );' });
    await site.startRater();
    expect(await send(line)).toEqual({ exit: 0, said: `${reply}\r\n` });
  });

  test('with two lines, or of a sender to whom no reply can go safely, is nothing', async () => {
    site = new Site({ limits: 'ip: (); user: ( ("*", 60, 20) );' });
    await site.startRater();
    const own = site.path('own.sock');
    const sent = await Promise.all([
      send('user a\\nuser a\\n'),
      datagrams('-n', site.path(name()), 'user a'),
      datagrams('-b', own, site.path(name()), 'user a'),
    ]);
    expect(sent).toEqual(Array(3).fill({ exit: 1, said: '' }));
    expect(await send('user a')).toEqual({ exit: 0, said: '0 1/20\r\n' });
  });

  test('finds a socket with the mode and group of that for connections, and listed', async () => {
    site = new Site({ settings: 'socket_mode: "0620";' });
    await site.startRater();
    const traits = (path: string) => {
      const { mode, uid, gid } = lstatSync(site.path(path));
      return { mode, uid, gid };
    };
    expect(traits(name())).toEqual(traits('rater.sock'));
    const { stdout } = await site.ipthrottle('fds');
    expect(stdout).toContain(`clients on ${site.path(name())}\n`);
    expect(JSON.parse((await site.ipthrottle('status', '--json')).stdout)).toMatchObject({
      datagrams: site.path(name()),
    });
  });

  test('finds its socket made anew when its file was removed, and gone with rater', async () => {
    site = new Site({ limits: 'ip: (); user: ( ("*", 60, 20) );' });
    const rater = await site.startRater();
    unlinkSync(site.path(name()));
    await rater.says(/listening again: socket=\S*rater\.sock\.\d+ why="its file was removed"/);
    expect(await send('user a')).toEqual({ exit: 0, said: '0 1/20\r\n' });
    await rater.killedBy('SIGTERM');
    expect(() => lstatSync(site.path(name()))).toThrow('ENOENT');
  });

  test('finds it again after rater was killed', async () => {
    site = new Site({ limits: 'ip: (); user: ( ("*", 60, 20) );' });
    await (await site.startRater()).killedBy('SIGKILL');
    expect(await send('user a')).toEqual({ exit: 111, said: 'connect: Connection refused\n' });
    await site.startRater();
    expect(await send('user a')).toEqual({ exit: 0, said: '0 1/20\r\n' });
    expect(readdirSync(site.directory).filter((each) => /\.\d+$/.test(each))).toEqual([name()]);
  });

  test('that is one of a flood keeps neither connections nor the operator waiting', async () => {
    site = new Site({ limits: 'ip: (); user: ( ("*", 60, 20) );' });
    const rater = await site.startRater();
    let isOver = false;
    const floods = [1, 2, 3].map(async (number) => {
      while (!isOver)
        await datagrams('-f', '2000', site.path(name()), `user f${number}`, '\\n', '%%');
    });
    const client = await connected({ path: site.path('rater.sock') });
    for (let turn = 1; turn <= 20; turn += 1) {
      const reply = nextText(client);
      client.write('user steady\n');
      expect(await reply).toBe(`0 ${turn}/20\r\n`);
    }
    expect(await site.ipthrottle('status')).toMatchObject({ exit: 0 });
    isOver = true;
    await Promise.all(floods);
    client.destroy();
    expect(await send('user a')).toEqual({ exit: 0, said: '0 1/20\r\n' });
    expect(rater.isRunning).toBe(true);
  });

  test('whose sender never reads keeps no reply from others, however many it sends', async () => {
    site = new Site({ limits: 'ip: (); user: ( ("*", 60, 200) );' });
    await site.startRater();
    const deaf = new RunningProgram({
      command: [datagrams.program, '-d', '-f', '3000', site.path(name()), 'no class'],
      directory: site.directory,
    });
    onTestFinished(() => deaf.end());
    await deaf.says(/^deaf\n$/);
    for (let turn = 1; turn <= 100; turn += 1) {
      const { stdout } = spawnSync(
        builtRatecheck(),
        ['-s', site.path('rater.sock'), '-t', '60000', '-n', 'user', 'a'],
        { encoding: 'utf8' },
      );
      expect(stdout).toBe(`0 ${turn}/200\n`);
    }
    await deaf.end();
    await until('datagrams are taken again', async () => (await send('user b')).exit === 0);
  });

  test('whose sender is gone is counted, and its reply is told to be too late', async () => {
    site = new Site({ limits: 'ip: (); user: ( ("*", 60, 20) );' });
    const rater = await site.startRater();
    rater.signal('SIGSTOP');
    expect(await datagrams('-q', site.path(name()), 'user a', 'user a')).toMatchObject({ exit: 0 });
    rater.signal('SIGCONT');
    await rater.says(/warn: reply too late: count=\d/);
    await until('both are counted', async () => (await send('user a')).said === '0 3/20\r\n');
  });

  test('has a socket whose mode doctor looks at', async () => {
    site = new Site();
    await startAsked(site);
    chmodSync(site.path(name()), 0o666);
    const { findings } = await examine(site);
    const mode = findings.filter(({ what }) =>
      what.startsWith(`${site.path(name())} has mode 0666`),
    );
    expect(mode).toMatchObject([{ level: 'problem', check: 'sockets' }]);
  });

  const noNamespace = notRoot ?? missing('unshare');

  test('finds no socket from another network namespace', unless(noNamespace), () => {
    site = new Site();
    const program = `console.log(require(${JSON.stringify(addon)}).cookie())`;
    const { stdout } = spawnSync('unshare', ['-n', process.execPath, '-e', program], {
      encoding: 'utf8',
    });
    expect(stdout).toMatch(/^[1-9]\d*\n$/);
    expect(`rater.sock.${stdout.trim()}`).not.toBe(name());
  });
});
