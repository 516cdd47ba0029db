/** The richer limits and blocks, through rater, ipthrottle, ratecheck and tcpsvd themselves. */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { wordsFrom } from '../enforcers/words-from.ts';
import { temporaryDirectory } from '../run/temporary-directory.ts';
import { ask } from './line-client.ts';
import { startMailServer } from './mail-server.ts';
import { ipthrottle, programs, startRater } from './real-rater.ts';
import { until } from './running-program.ts';
import { refusal } from './seconds-left.ts';

async function site(configuration: string) {
  const directory = temporaryDirectory();
  const peers = join(directory, 'peers');
  mkdirSync(peers);
  const rater = await startRater(directory, configuration);
  return {
    rater,
    directory,
    peers: () => readdirSync(peers).sort(),
    /** The replies to as many requests. */
    ask: async (...requests: string[]) => {
      const said = await ask({ path: rater.socket }, [
        requests.map((each) => `${each}\n`).join(''),
      ]);
      return said.split('\r\n').slice(0, -1);
    },
    run: (...args: string[]) => ipthrottle(rater.configFile, ...args),
    list: async () => JSON.parse((await ipthrottle(rater.configFile, 'list', '--json')).stdout),
  };
}

function times(count: number, request: string): string[] {
  return Array.from({ length: count }, () => request);
}

test('several windows for one pattern hold all at once', async () => {
  const place = await site('limits : { ip: ( ("*", (1, 2), (3600, 4)) ); };');
  expect(await place.ask(...times(3, 'ip 192.0.2.1'))).toEqual(['0 1/2', '0 2/2', '1 3/2']);
  await until('the short window is empty', async () => {
    const { limits } = JSON.parse((await place.run('check', '192.0.2.1', '--json')).stdout);
    return limits[0].counts[0] === 0;
  });
  expect(await place.ask(...times(2, 'ip 192.0.2.1'))).toEqual(['0 4/4', '1 5/4']);
});

test('a request hits a network too, and tcpsvd drops all of it by one file', async () => {
  const place = await site(`
    limits : { ip: ( ("*", 60, 9) ); net: ( ("*", 60, 3) ); };
    classes : { net: { prefix4: 24; }; ip: { also: ("net"); }; };
    blocking : { classes: ("net"); time: 60; peers: "peers"; };`);
  const { port, server } = await startMailServer('tcpsvd', {
    options: ['-i', 'peers'],
    command: [join(programs, 'ratecheck'), '-t', '60000', '-s', place.rater.socket, 'echo', 'in'],
    directory: place.directory,
  });
  onTestFinished(() => server.end());
  const said: string[] = [];
  for (const last of [1, 2, 3, 4, 5]) said.push(await wordsFrom(`127.7.7.${last}`, port));
  expect(said.slice(0, 3)).toEqual(['in\n', 'in\n', 'in\n']);
  expect(said[3]).toMatch(/^421 4\.7\.0 Too many connections from 127\.7\.7\.4, try again in \d+/);
  expect(said[4]).toBe('');
  expect(place.peers()).toEqual(['127.7.7']);
  expect(await wordsFrom('127.7.8.1', port)).toBe('in\n');
  expect((await place.run('check', '127.7.7.200')).stdout).toMatch(
    /^127\.7\.7\.200: blocked as part of 127\.7\.7\.0\/24 /,
  );
});

test('IPv6 is counted and blocked by /64, and lifted by any address in it', async () => {
  const place = await site('limits : { ip: ( ("*", 60, 2) ); }; blocking : { time: 60; };');
  expect(
    await place.ask('ip 2001:db8::1', 'ip 2001:db8::2', 'ip 2001:db8::3', 'ip 2001:db8:0:1::1'),
  ).toEqual(['0 1/2', '0 2/2', refusal('1 3/2', 60), '0 1/2']);
  expect((await place.list())[0].address).toBe('2001:db8::/64');
  expect((await place.run('unblock', '2001:db8::77')).stdout).toMatch(/^unblocked 2001:db8::\/64 /);
  expect(await place.ask('ip 2001:db8::1')).toEqual(['0 1/2']);
});

test('a dry run lets everybody in, and logs and lists what it would block', async () => {
  const place = await site(`limits : { ip: ( ("*", 60, 2) ); };
    classes : { ip: { dry_run: true; }; };
    blocking : { time: 60; peers: "peers"; };`);
  expect(await place.ask(...times(4, 'ip 192.0.2.1'))).toEqual([
    '0 1/2',
    '0 2/2',
    '0 3/2',
    '0 4/2',
  ]);
  expect(place.peers()).toEqual([]);
  expect((await place.run('list')).stdout).toMatch(/^192\.0\.2\.1 .* would block$/m);
  await place.rater.says(/would block: address=192\.0\.2\.1/);
  expect(place.rater.log().match(/would block: address=192\.0\.2\.1/g)).toHaveLength(1);
});

test('blocks grow with the offences, are shown by list and check, and outlive a restart', async () => {
  const configuration = `limits : { ip: ( ("*", 60, 0) ); };
    blocking : { time: (100, 1000, 10000); };`;
  const place = await site(configuration);
  for (const seconds of [100, 1000, 10_000, 10_000]) {
    expect(await place.ask('ip 192.0.2.1')).toEqual([refusal('1 1/0', seconds)]);
    await place.run('unblock', '192.0.2.1');
  }
  expect((await place.run('check', '192.0.2.1')).stdout).toMatch(/4 offences .*10000|4 offences/);
  await place.rater.kill('SIGTERM');
  const again = await startRater(place.directory, configuration);
  const [reply] = (await ask({ path: again.socket }, ['ip 192.0.2.1\n'])).split('\r\n');
  expect(reply).toEqual(refusal('1 1/0', 10_000));
  expect((await place.list())[0]).toMatchObject({ times: 5 });
});

test('allow lifts at once, holds through a restart, ends by itself, and del takes it back', async () => {
  const configuration = `limits : { ip: ( ("*", 60, 0) ); };
    blocking : { time: 60; peers: "peers"; };`;
  const place = await site(configuration);
  await place.ask('ip 192.0.2.1', 'ip 192.0.2.2');
  expect((await place.run('allow', 'add', '192.0.2.1', '--reason', 'partner')).stdout).toMatch(
    /^allowed 192\.0\.2\.1 until it is taken back/,
  );
  expect(place.peers()).toEqual(['192.0.2.2']);
  await place.run('unblock', '192.0.2.2', '--grace', '6s');
  expect((await place.ask('ip 192.0.2.2'))[0]).toMatch(/^0 /);
  await place.rater.kill();
  const again = await startRater(place.directory, configuration);
  const answers = async (address: string) => {
    return (await ask({ path: again.socket }, [`ip ${address}\n`])).trimEnd();
  };
  expect(await answers('192.0.2.1')).toMatch(/^0 /);
  await until('the grace is over', async () => (await answers('192.0.2.2')).startsWith('1 '));
  expect((await place.run('allow', 'del', '192.0.2.1')).exit).toBe(0);
  expect(await answers('192.0.2.1')).toMatch(/^1 /);
});
