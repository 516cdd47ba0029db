/** Tests: src/daemon/config-watcher.ts, src/files/file-identity.ts, src/files/watch-files.ts */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ConfigWatcher } from '../../src/daemon/config-watcher.ts';
import { Health } from '../../src/health/health.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { temporaryDirectory } from '../run/temporary-directory.ts';
import { ipthrottle, programs, startRater } from './real-rater.ts';
import { until } from './running-program.ts';

const settings = 'settings : { socket: "rater.sock"; db_path: "rater.db"; };';

function configuration(count: number, rest = ''): string {
  return `${settings}
    limits : { ip: ( ("*", 60, ${count}) ); };
    blocking : { time: 120; peers: "peers"; };
    ${rest}`;
}

/** A client on one connection that stays open. */
function client(socket: string) {
  const connection = connect(socket);
  onTestFinished(() => void connection.destroy());
  let said = '';
  connection.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  return async (line: string) => {
    const before = said.length;
    connection.write(`${line}\n`);
    await until(`a reply to ${line}`, () => said.indexOf('\n', before) >= 0);
    return said.slice(before).trimEnd();
  };
}

async function site(text: string) {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, 'peers'));
  const rater = await startRater(directory, text);
  await rater.says(/ready/);
  return {
    rater,
    ask: client(rater.socket),
    peers: () => readdirSync(join(directory, 'peers')),
    save: (name: string, content: string) => writeFileSync(join(directory, name), content),
    /** As many editors do it: the new file takes the old one's name. */
    saveByRename: (name: string, content: string) => {
      writeFileSync(join(directory, `${name}~`), content);
      renameSync(join(directory, `${name}~`), join(directory, name));
    },
  };
}

test.each(['save', 'saveByRename'] as const)(
  'a saved configuration (%s) is used, and counters, blocks and connections survive',
  async (how) => {
    const place = await site(configuration(2));
    expect(await place.ask('ip 192.0.2.1')).toBe('0 1/2');
    for (let turn = 0; turn < 3; turn += 1) await place.ask('ip 192.0.2.2');
    place[how]('rater.conf', configuration(5));
    await place.rater.says(/info: reloaded: /);
    expect(await place.ask('ip 192.0.2.1')).toBe('0 2/5');
    expect(await place.ask('ip 192.0.2.2')).toMatch(/^1 4\/5 1\d\d$/);
    expect(place.peers()).toEqual(['192.0.2.2']);
    place[how]('rater.conf', configuration(1));
    await until('the next one to be used', async () => {
      return /^1 .*\/1 \d+$/.test(await place.ask('ip 192.0.2.1'));
    });
  },
);

test('a broken file keeps the old configuration and says what is wrong, line by line', async () => {
  const place = await site(configuration(2));
  place.save('rater.conf', `${configuration(9)}\nlimits : 5;\nnonsense : 1;\n`);
  await place.rater.says(/not reloaded.*nonsense/);
  expect(place.rater.log()).toMatch(/not reloaded: what=.*rater\.conf:\d+: /);
  expect(await place.ask('ip 192.0.2.1')).toBe('0 1/2');
  place.save('rater.conf', configuration(9));
  await place.rater.says(/reloaded: file=/);
  expect(await place.ask('ip 192.0.2.1')).toBe('0 2/9');
});

test('reload names the settings that wait for a restart, as long as they do', async () => {
  const { rater, save } = await site(configuration(2));
  const reload = () => ipthrottle(rater.configFile, 'reload');
  const reloaded = `reloaded ${rater.configFile}`;
  expect(await reload()).toEqual({ exit: 0, stdout: `${reloaded}\n`, stderr: '' });
  const changed = configuration(2).replace('rater.db";', 'rater.db"; backlog: 7; max_blocks: 9;');
  save('rater.conf', changed);
  for (let times = 0; times < 2; times += 1) {
    const { exit, stdout } = await reload();
    const waiting = 'waiting for a restart: settings.backlog, settings.max_blocks';
    expect({ exit, stdout }).toEqual({ exit: 0, stdout: `${reloaded}; ${waiting}\n` });
  }
  expect(rater.log()).toMatch(/restart needed: what="settings.backlog, settings.max_blocks"/);
});

test('what is doubtful is a warning of --check, of the start and of each reload', async () => {
  const doubtful = configuration(2, 'allow : ( "192.0.2.7/24" );');
  const place = await site(doubtful);
  const what = 'warning: allow: "192.0.2.7/24" is taken as 192.0.2.0/24; write that, or 192.0.2.7';
  const { configFile } = place.rater;
  const command = [join(programs, 'rater'), '-c', configFile, '--check'];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' });
  expect({ status, stdout, stderr }).toEqual({
    status: 0,
    stdout: '',
    stderr: `${configFile}:4: ${what}\n`,
  });
  const logged = () =>
    place.rater.log().match(/rater: warn: doubtful configuration: what=.*/g) ?? [];
  await until('the warning', () => logged().length === 1);
  expect(JSON.parse(logged()[0]?.split('what=')[1] ?? '')).toBe(stderr.trimEnd());
  place.save('rater.conf', `${doubtful}\n`);
  await until('the warning again', () => logged().length === 2);
  expect((await ipthrottle(configFile, 'reload')).stdout).toBe(
    `${configFile}:4: ${what}\nreloaded ${configFile}\n`,
  );
  place.save('rater.conf', configuration(2));
  await until('a reload', () => place.rater.log().match(/reloaded/g)?.length === 3);
  expect(logged()).toHaveLength(3);
});

test('an address that a saved include file allows is let in at once', async () => {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, 'peers'));
  const allow = join(directory, 'allow.conf');
  writeFileSync(allow, '"203.0.113.0/24"\n');
  const text = configuration(1, 'allow : (\n@include "allow.conf"\n);');
  const rater = await startRater(directory, text);
  await rater.says(/ready/);
  const ask = client(rater.socket);
  for (let turn = 0; turn < 2; turn += 1) await ask('ip 192.0.2.1');
  expect(readdirSync(join(directory, 'peers'))).toEqual(['192.0.2.1']);
  writeFileSync(allow, '"203.0.113.0/24",\n"192.0.2.1"\n');
  await until('the block is lifted', () => readdirSync(join(directory, 'peers')).length === 0);
  expect(await ask('ip 192.0.2.1')).toMatch(/^0 \d+\/-$/);
});

test('a file that is included from now on is watched from now on', async () => {
  const place = await site(configuration(2));
  place.save('allow.conf', '"203.0.113.0/24"\n');
  place.save('rater.conf', configuration(2, 'allow : (\n@include "allow.conf"\n);'));
  await place.rater.says(/info: reloaded: /);
  place.save('allow.conf', '"203.0.113.0/24", "192.0.2.1"\n');
  await until('what it says to be used', async () => {
    return /^0 \d+\/-$/.test(await place.ask('ip 192.0.2.1'));
  });
});

test('Guarantee: what is saved while the watch is being set up is noticed too', async () => {
  const file = join(temporaryDirectory(), 'rater.conf');
  writeFileSync(file, configuration(1));
  let saves = 0;
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const watcher = new ConfigWatcher(() => (saves += 1), log, new Health(log, systemClock));
  onTestFinished(() => watcher.close());
  watcher.follow([file]);
  writeFileSync(file, configuration(10));
  await until('it is noticed', () => {
    watcher.look();
    return saves > 0;
  });
});
