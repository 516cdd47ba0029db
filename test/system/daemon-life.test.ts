/**
 * How rater begins, reloads and ends.
 *
 * Tests: src/daemon/main.ts, src/daemon/rater.ts, src/store/instance-lock.ts
 */
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { ask } from './line-client.ts';
import { secondsLeft } from './seconds-left.ts';
import { Site } from './site.ts';

let site: Site;

afterEach(() => site.stop());

function say(text: string): Promise<string> {
  return ask({ path: site.path('rater.sock') }, [text]);
}

describe('a second rater', () => {
  test('is refused with exit 100 and a line that says why; the first goes on', async () => {
    site = new Site();
    const first = await site.startRater();
    expect(await say('ip 192.0.2.1\n')).toBe('0 1/10\r\n');
    const second = site.spawnRater();
    expect(await second.ends()).toBe(100);
    expect(second.said).toMatch(/^rater: error: another rater is running: .*rater\.sock\n$/);
    expect(await say('ip 192.0.2.1\n')).toBe('0 2/10\r\n');
    expect(first.isRunning).toBe(true);
  });

  test('of several started at once, exactly one runs', async () => {
    site = new Site();
    const raters = Array.from({ length: 5 }, () => site.spawnRater());
    const exits = await Promise.all(
      raters.map((rater) =>
        Promise.race([
          rater.ends(),
          rater.says(/info: ready:/).then(
            () => 0,
            () => rater.ends(),
          ),
        ]),
      ),
    );
    expect(exits.sort((a, b) => Number(a) - Number(b))).toEqual([0, 100, 100, 100, 100]);
    expect(await say('ip 192.0.2.1\n')).toBe('0 1/10\r\n');
  });
});

describe('the sockets', () => {
  test('of a dead rater are replaced', async () => {
    site = new Site();
    const dead = await site.startRater();
    await dead.killedBy('SIGKILL');
    expect(existsSync(site.path('rater.sock'))).toBe(true);
    expect(existsSync(site.path('control.sock'))).toBe(true);
    await site.startRater();
    expect(await say('ip 192.0.2.1\n')).toBe('0 1/10\r\n');
    expect(await site.ipthrottle('status')).toMatchObject({ exit: 0 });
  });

  test('are removed at SIGTERM, which ends rater with exit 0; blocks stay', async () => {
    site = new Site();
    const rater = await site.startRater();
    await site.ipthrottle('block', '192.0.2.1');
    rater.signal('SIGTERM');
    expect(await rater.ends()).toBe(0);
    expect(rater.said).toMatch(/^rater: info: stopped: pid=\d+\n$/m);
    expect(existsSync(site.path('rater.sock'))).toBe(false);
    expect(existsSync(site.path('control.sock'))).toBe(false);
    expect(site.peers()).toEqual(['192.0.2.1']);
    expect((await site.list()).map(({ address }) => address)).toEqual(['192.0.2.1']);
  });

  test('a file in their place that is not a socket is left alone, and rater says so', async () => {
    site = new Site();
    writeFileSync(site.path('rater.sock'), 'precious');
    const rater = site.spawnRater();
    expect(await rater.ends()).toBe(111);
    expect(rater.said).toMatch(/^rater: error: cannot listen: .*rater\.sock is there and is not/m);
  });
});

describe('SIGHUP', () => {
  test('a changed limit applies, and earlier hits still count', async () => {
    site = new Site({ limits: 'ip: ( ("*", 60, 10) );' });
    const rater = await site.startRater();
    await say('ip 192.0.2.1\n'.repeat(4));
    site.configure({ limits: 'ip: ( ("*", 60, 5) );', seconds: 77 });
    rater.signal('SIGHUP');
    await rater.says(/^rater: info: reloaded: /m);
    expect(await say('ip 192.0.2.1\n'.repeat(2))).toMatch(
      new RegExp(`^0 5/5\r\n1 6/5 ${secondsLeft(77)}\r\n$`),
    );
    expect(site.peers()).toEqual(['192.0.2.1']);
  });

  test('an address that is allowed from now on is let in', async () => {
    site = new Site();
    const rater = await site.startRater();
    await site.ipthrottle('block', '192.0.2.1', '192.0.2.2');
    site.configure({ allow: ['192.0.2.1'] });
    rater.signal('SIGHUP');
    await rater.says(/^rater: info: reloaded: /m);
    expect(site.peers()).toEqual(['192.0.2.2']);
  });

  test('a broken file changes nothing, and each mistake is logged with its line', async () => {
    site = new Site({ limits: 'ip: ( ("*", 60, 10) );' });
    const rater = await site.startRater();
    await say('ip 192.0.2.1\n'.repeat(4));
    site.configure('limits : { ip: ( ("*", 60) ); };\nblocking : {\n  tiem: 3; };\n');
    rater.signal('SIGHUP');
    await rater.says(/^rater: error: not reloaded: .*rater\.conf:1: /m);
    await rater.says(/^rater: error: not reloaded: .*rater\.conf:3: .*did you mean time/m);
    expect(rater.said).not.toMatch(/info: reloaded/);
    expect(await say('ip 192.0.2.1\n')).toBe('0 5/10\r\n');
  });
});

describe('the start', () => {
  test('a broken file ends it with exit 100 and every mistake', async () => {
    site = new Site();
    site.configure('limits : { ip: ( ("*", 60) ); };\nblocking : {\n  tiem: 3; };\n');
    const rater = site.spawnRater();
    expect(await rater.ends()).toBe(100);
    expect(rater.said).toMatch(/rater\.conf:1: .*\n.*rater\.conf:3: /);
    expect(existsSync(site.path('blocks.db'))).toBe(false);
  });

  test.each([
    [
      'socket: "none/rater.sock";',
      /^rater: error: cannot listen: there is no directory \/.*\/none\n$/,
    ],
    ['db_path: "none/x.db";', /^rater: error: cannot listen: there is no directory \/.*\/none\n$/],
    [
      'socket_group: "no-such-group";',
      /^rater: error: cannot listen: \/.*\.sock: group no-such-group: chgrp: .*no-such-group.*\n$/,
    ],
  ])('%s ends it with exit 111 and one line', async (wrong, line) => {
    site = new Site();
    const own = ['socket: "rater.sock";', 'db_path: "blocks.db";'];
    const others = own.filter((setting) => setting.split(':')[0] !== wrong.split(':')[0]);
    site.configure(`settings : { ${wrong} ${others.join(' ')} };\nlimits : { ip: () };\n`);
    const rater = site.spawnRater();
    expect(await rater.ends()).toBe(111);
    expect(rater.said).toMatch(line);
  });

  test('a missing peers directory is trouble, not the end: rater itself refuses', async () => {
    site = new Site({ limits: 'ip: ( ("*", 60, 1) );' });
    rmdirSync(site.path('peers'));
    const rater = await site.startRater();
    await rater.says(/^rater: error: trouble: part="?peers /m);
    expect(await say('ip 192.0.2.1\n'.repeat(3))).toMatch(/^0 1\/1\r\n1 2\/1 \d+\r\n1 2\/1 \d+/);
    mkdirSync(site.path('peers'));
    await rater.says(/^rater: info: recovered: part="?peers /m);
    expect(site.peers()).toEqual(['192.0.2.1']);
  });
});
