/**
 * `ipthrottle doctor` at whole sites: a healthy one has no finding, and each thing that is wrong is
 * found as exactly one.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { preventGc } from '../../../src/store/prevent-gc.ts';
import { missing } from '../../golden/real-tools.ts';
import { freePort } from '../../run/free-port.ts';
import { temporaryDirectory } from '../../run/temporary-directory.ts';
import { rawDatabase } from '../../store/raw-database.ts';
import { cannotBecomeNobody, nobody } from '../../system/nobody.ts';
import { until } from '../../system/running-program.ts';
import { type Plan, Site } from '../../system/site.ts';
import { bundle, examine, type How, kinds } from '../examination.ts';

const isRoot = process.getuid?.() === 0;
const dayMs = 86_400_000;
const port = await freePort();

let site: Site;

afterEach(() => site.stop());

function put(name: string, mode: number, text = ''): void {
  const path = site.path('peers', name);
  writeFileSync(path, text);
  chmodSync(path, mode);
}

function changeRow(sql: string, ...values: number[]): void {
  const database = rawDatabase(site.path('blocks.db'));
  preventGc(database.prepare(sql)).run(...values);
  database.close();
}

function tcprules(source: string): void {
  execFileSync('tcprules', [site.path('rules.cdb'), site.path('rules.tmp')], { input: source });
}

async function block(...args: string[]): Promise<void> {
  expect(await site.ipthrottle('block', ...args)).toMatchObject({ exit: 0 });
}

const plans: readonly { readonly name: string; readonly plan: Plan }[] = [
  { name: 'with a peers directory', plan: {} },
  { name: 'with rules', plan: { rules: '192.0.2.66:deny\n# a note\n\n:allow\n' } },
  { name: 'with a peers cdb', plan: { blocking: 'peers_cdb: "peers.cdb";' } },
  {
    name: 'with everything, and polite',
    plan: { rules: ':allow\n', blocking: 'peers_cdb: "peers.cdb"; mode: "polite";' },
  },
  { name: 'with a TCP listener', plan: { settings: `port: ${port};` } },
  { name: 'with an allowlist', plan: { rules: '10.:deny\n:allow\n', allow: ['127.0.0.0/8'] } },
];

/** Every file with all that would change if somebody wrote. */
function everything(): string[] {
  return readdirSync(site.directory, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const { mode, size, mtimeMs, ino } = lstatSync(site.path(name));
      return [name, mode, size, mtimeMs, ino].join(' ');
    });
}

describe.each(plans)('a healthy site $name', ({ plan }) => {
  test('has no finding', async () => {
    site = new Site(plan);
    put('10', 0o444, '+RBLSMTPD=\n');
    await site.startRater();
    await block('192.0.2.1', '198.51.100.0/24');
    expect(await examine(site)).toMatchObject({ exit: 0, well: true, findings: [] });
    const { exit, stdout } = await site.ipthrottle('doctor');
    expect({ exit, stdout }).toEqual({ exit: 0, stdout: 'all is well: 13 checks found nothing\n' });
  });

  test('is as it was afterwards, and with rater dead only that is found', async () => {
    site = new Site(plan);
    const rater = await site.startRater();
    await block('192.0.2.1', '198.51.100.0/24');
    await rater.killedBy('SIGKILL');
    const before = everything();
    const { exit, findings } = await examine(site);
    expect(kinds(findings)).toEqual(['problem daemon']);
    expect(exit).toBe(1);
    expect(everything()).toEqual(before);
  });
});

type Case = {
  readonly what: string;
  readonly plan?: Plan;
  /** With rater running. */
  readonly before?: () => void | Promise<void>;
  /** With rater dead, if there is such a part: then nobody repairs what it does. */
  readonly dead?: () => void | Promise<void>;
  readonly how?: () => How;
  readonly finds: string;
  readonly says: RegExp;
  readonly skip?: string | false | undefined;
};

const noServers = missing('tcprules', 'ipsvd-cdb', 'tcpsvd', 'tcpserver');
const rules = ':allow\n';

const cases: readonly Case[] = [
  {
    what: 'a cdb of ipsvd-cdb for tcpserver',
    plan: { rules },
    dead() {
      put('0', 0o444);
      const args = [site.path('rules.cdb'), site.path('tmp'), site.path('peers')];
      execFileSync('ipsvd-cdb', args);
    },
    finds: 'problem dialect',
    says: /rules.cdb is not for tcpserver: it looks like one of ipsvd-cdb \(key 0\)/,
  },
  {
    what: 'a cdb of tcprules for tcpsvd',
    plan: { rules, blocking: 'peers_cdb: "peers.cdb";' },
    dead: () => {
      tcprules('192.0.2.:deny\n:allow\n');
      renameSync(site.path('rules.cdb'), site.path('peers.cdb'));
      tcprules(rules);
    },
    finds: 'problem dialect',
    says: /peers.cdb is not for tcpsvd: it looks like one of tcprules/,
  },
  {
    what: 'a cdb that was cut off',
    plan: { rules },
    dead: () => writeFileSync(site.path('rules.cdb'), 'short'),
    finds: 'problem dialect',
    says: /no whole cdb: tcpserver drops every client/,
  },
  {
    what: 'a cdb that is not there',
    plan: { rules },
    dead: () => rmSync(site.path('rules.cdb')),
    finds: 'problem dialect',
    says: /there is no .*rules.cdb/,
  },
  {
    what: 'a network that tcprules never matches',
    plan: { rules: ':allow\n1.2.0.0/16:deny\n' },
    finds: 'problem rules',
    says: /rules:2: 1\.2\.0\.0\/16: .*never match.*; write 1\.2\. instead/,
  },
  {
    what: 'an IPv6 line that freezes the cdb',
    plan: { rules },
    dead: () => writeFileSync(site.path('rules'), ':allow\n2001:db8::1:deny\n'),
    finds: 'problem rules',
    says: /rules:2: 2001:db8::1: the installed tcprules refuses IPv6/,
  },
  {
    what: 'a line without a colon',
    plan: { rules: '192.0.2.1 deny\n:allow\n' },
    finds: 'problem rules',
    says: /ignores what has no colon: line 1 "192\.0\.2\.1 deny"/,
  },
  {
    what: 'rules with CR LF',
    plan: { rules },
    dead: () => writeFileSync(site.path('rules'), '192.0.2.1:deny\r\n:allow\r\n'),
    finds: 'problem rules',
    says: /CR LF/,
  },
  {
    what: 'rules that cannot be compiled',
    plan: { rules },
    dead: () => writeFileSync(site.path('rules'), '192.0.2.1:refuse\n'),
    finds: 'problem rules',
    says: /cannot be compiled.*line 1, after the address/,
  },
  {
    what: 'rules that are not there',
    plan: { rules },
    dead: () => rmSync(site.path('rules')),
    finds: 'problem rules',
    says: /there is no .*rules,/,
  },
  {
    what: 'a static file that tcpsvd -t deletes',
    plan: { peersTimeout: 60 },
    before() {
      chmodSync(site.path('peers'), 0o775);
      put('10', 0o644);
    },
    finds: 'problem static-files',
    says: /writable for their owner: 10: tcpsvd -t deletes them/,
  },
  {
    what: 'a static file that a later -t would delete',
    before: () => put('10', 0o644),
    finds: 'hint static-files',
    says: /a tcpsvd that is given -t deletes them/,
  },
  {
    what: 'a static file that tcpsvd may not read',
    before: () => put('10', 0o400),
    finds: 'problem static-files',
    says: /not readable for everybody: 10/,
  },
  {
    what: 'instructions with CR LF',
    before: () => put('10', 0o444, '+RELAYCLIENT=\r\n'),
    finds: 'problem static-files',
    says: /CR LF: 10/,
  },
  {
    what: "the administrator's deny-all",
    before: () => put('0', 0o000),
    finds: 'hint static-files',
    says: /peers\/0 refuses everybody/,
  },
  {
    what: 'a peers directory that is not there',
    dead: () => rmSync(site.path('peers'), { recursive: true }),
    finds: 'problem directories',
    says: /there is no directory .*peers: every client is dropped/,
  },
  {
    what: 'a peers directory that the user of rater may not write in',
    skip: !isRoot && 'not root',
    before: () => chownSync(site.directory, nobody, nobody),
    finds: 'problem directories',
    says: /uid 65534\) may not write in .*peers/,
  },
  {
    what: 'a peers directory that is closed to others',
    before: () => chmodSync(site.path('peers'), 0o700),
    finds: 'problem directories',
    says: /closed to other users/,
  },
  {
    what: 'a peers directory that is open to its group only',
    before: () => chmodSync(site.path('peers'), 0o750),
    finds: 'hint directories',
    says: /unless it is in the group/,
  },
  {
    what: 'a peers directory in which everybody may write',
    before: () => chmodSync(site.path('peers'), 0o1777),
    finds: 'problem directories',
    says: /every user of this host may write in .*peers: block or let in/,
  },
  {
    what: 'a directory of sockets and database in which everybody may write',
    before: () => chmodSync(site.directory, 0o777),
    finds: 'problem directories',
    says: /every user of this host may write in .*, and replace the files of rater/,
  },
  {
    what: 'the same with a sticky bit',
    before: () => chmodSync(site.directory, 0o1777),
    finds: 'hint directories',
    says: /every user of this host may write in .*, and take a name before rater does/,
  },
  {
    what: 'a tcpsvd -t that may be unable to unlink',
    plan: { peersTimeout: 60 },
    finds: 'hint directories',
    says: /may remove files in .*test -w/,
  },
  {
    what: 'a block without its file',
    before: () => block('192.0.2.1'),
    dead: () => rmSync(site.path('peers', '192.0.2.1')),
    finds: 'problem drift',
    says: /blocks without a file in .*peers: 192\.0\.2\.1/,
  },
  {
    what: 'a file of ours without its block',
    before: () => block('192.0.2.1'),
    async dead() {
      renameSync(site.path('peers', '192.0.2.1'), site.path('kept'));
      await site.ipthrottle('unblock', '192.0.2.1');
      renameSync(site.path('kept'), site.path('peers', '192.0.2.1'));
    },
    finds: 'problem drift',
    says: /fit no block: 192\.0\.2\.1; start rater, which makes blocks of them again/,
  },
  {
    what: 'a file of ours whose date somebody has changed',
    async before() {
      await block('192.0.2.1');
      utimesSync(site.path('peers', '192.0.2.1'), 2_000_000_000, 2_000_000_000);
    },
    finds: 'problem drift',
    says: /fit no block: 192\.0\.2\.1; .*what it leaves has a changed date: rm it/,
  },
  {
    what: 'a directory in the place of a block',
    before() {
      mkdirSync(site.path('peers', '192.0.2.1'));
      return block('192.0.2.1');
    },
    finds: 'problem drift',
    says: /what is no file stands in .*peers where blocks have theirs: 192\.0\.2\.1; remove it/,
  },
  {
    what: 'a block that is over and still there',
    before: () => block('2001:db8::1'),
    dead: () => changeRow('UPDATE blocks SET since_ms = 1000, until_ms = 2000'),
    finds: 'problem drift',
    says: /over and still there: 2001:db8::1/,
  },
  {
    what: "a block under the administrator's own file",
    before() {
      put('192.0.2.1', 0o444);
      return block('192.0.2.1');
    },
    finds: 'hint drift',
    says: /a file of your own in .* lets in who is blocked: 192\.0\.2\.1/,
  },
  {
    what: 'a block that is not in the cdb of tcpserver',
    plan: { rules },
    before: () => block('192.0.2.1'),
    dead: () => tcprules(rules),
    finds: 'problem drift',
    says: /not in .*rules.cdb: 192\.0\.2\.1/,
  },
  {
    what: 'a cdb that refuses whom nobody blocks',
    plan: { rules },
    dead: () => tcprules('192.0.2.1:deny\n:allow\n'),
    finds: 'problem drift',
    says: /rules.cdb refuses what neither a block nor .*rules does: 192\.0\.2\.1/,
  },
  {
    what: 'a cdb that is older than its source',
    plan: { rules },
    dead: () => writeFileSync(site.path('rules'), '10.:allow,RELAYCLIENT=""\n:allow\n'),
    finds: 'problem drift',
    says: /rules.cdb is not what .*rules and the blocks make/,
  },
  {
    what: 'a block that is not in the cdb of tcpsvd',
    plan: { blocking: 'peers_cdb: "peers.cdb";' },
    before: () => block('192.0.2.1'),
    dead() {
      mkdirSync(site.path('empty'));
      const args = [site.path('peers.cdb'), site.path('tmp'), site.path('empty')];
      execFileSync('ipsvd-cdb', args);
    },
    finds: 'problem drift',
    says: /not in .*peers.cdb: 192\.0\.2\.1/,
  },
  {
    // One that was deleted rater makes anew within a second, too soon to be found for sure.
    what: 'a socket that rater does not listen at',
    before() {
      const text = 'settings : { socket: "elsewhere.sock"; db_path: "blocks.db"; };';
      site.configure(
        `${text} limits : { ip: ( ("*", 60, 10) ); }; blocking : { time: 120; peers: "peers"; };`,
      );
    },
    finds: 'problem daemon',
    says: /elsewhere.sock: rater runs, but nobody answers there \(ENOENT\), .*; rater listens anew within/,
  },
  {
    what: 'a configuration that rater was not restarted for',
    before() {
      mkdirSync(site.path('elsewhere'));
      const text = 'settings : { socket: "rater.sock"; db_path: "blocks.db"; };';
      site.configure(
        `${text} limits : { ip: ( ("*", 60, 10) ); }; blocking : { peers: "elsewhere"; };`,
      );
    },
    finds: 'problem daemon',
    says: /rater uses the peers directory .*peers, the configuration says .*elsewhere/,
  },
  {
    what: 'who may not ask rater',
    skip: cannotBecomeNobody ?? false,
    how: () => ({ user: nobody }),
    finds: 'problem daemon',
    says: /may not ask rater/,
  },
  {
    what: 'a socket that is open to all',
    before: () => chmodSync(site.path('rater.sock'), 0o666),
    finds: 'problem sockets',
    says: /rater.sock has mode 0666/,
  },
  {
    what: 'a group of the socket that is none',
    dead: () => site.configure({ settings: 'socket_group: "nobodys-group";' }),
    finds: 'problem sockets',
    says: /there is no group nobodys-group, so rater cannot start; groupadd/,
  },
  {
    what: 'a directory of a socket that is not there',
    dead: () => site.configure({ settings: 'control: "nowhere/control.sock";' }),
    finds: 'problem directories',
    says: /there is no directory .*nowhere: rater cannot start; create it .*nowhere/,
  },
  {
    what: 'a socket that is closed to ratecheck',
    before: () => chmodSync(site.path('rater.sock'), 0o600),
    finds: 'problem sockets',
    says: /rater.sock has mode 0600, .* is 0660: a ratecheck that may not ask lets all in; chmod 0660/,
  },
  {
    what: 'a directory of the socket that is closed to ratecheck',
    before: () => chmodSync(site.directory, 0o700),
    finds: 'problem sockets',
    says: /closed to other users: a ratecheck that runs as one lets all in; chmod o\+x/,
  },
  {
    what: 'a directory of the socket that is open to another group only',
    skip: !isRoot && 'not root',
    before() {
      chmodSync(site.directory, 0o750);
      chownSync(site.directory, 0, nobody);
    },
    finds: 'hint sockets',
    says: /a ratecheck that runs as one lets all in, unless it is in the group/,
  },
  {
    what: 'a socket that is open to all because the configuration says so',
    plan: { settings: 'socket_mode: "0666";' },
    finds: 'hint sockets',
    says: /socket_mode 0666: every user of this host may have any address blocked/,
  },
  {
    what: 'a TCP listener by which everybody may block',
    plan: { settings: `port: ${port}; tcp_trusted: true;` },
    finds: 'hint sockets',
    says: /tcp_trusted: every user of this host may have any address blocked/,
  },
  {
    what: 'the same for other hosts',
    plan: { settings: `port: ${port}; address: "0.0.0.0"; tcp_trusted: true;` },
    finds: 'hint sockets',
    says: /tcp_trusted: everybody who can reach 0\.0\.0\.0 may have any/,
  },
  {
    what: 'a control shell for everybody',
    plan: { settings: `control_port: ${port};` },
    finds: 'hint sockets',
    says: /control_port: every user of this host may block and unblock/,
  },
  {
    what: "an operator's socket that is open to its group",
    before: () => chmodSync(site.path('control.sock'), 0o660),
    finds: 'problem sockets',
    says: /control.sock has mode 0660/,
  },
  {
    what: 'a database that everybody may read',
    before: () => chmodSync(site.path('blocks.db'), 0o644),
    finds: 'problem database',
    says: /everybody may read .*blocks.db/,
  },
  {
    what: 'a database whose latest writes everybody may read',
    before: () => chmodSync(site.path('blocks.db-wal'), 0o644),
    finds: 'problem database',
    says: /everybody may read .*blocks.db-wal/,
  },
  {
    what: 'a damaged database',
    dead() {
      rmSync(site.path('blocks.db-wal'), { force: true });
      writeFileSync(site.path('blocks.db'), 'no database at all, by no means\n'.repeat(200));
    },
    finds: 'problem database',
    says: /blocks.db: database is damaged/,
  },
  {
    what: 'a database that is not there',
    dead: () => rmSync(site.path('blocks.db')),
    finds: 'problem database',
    says: /there is no .*blocks.db/,
  },
  {
    what: 'a block that begins in the future',
    before: () => block('2001:db8::1'),
    dead: () => changeRow('UPDATE blocks SET since_ms = ?', Date.now() + 60_000),
    finds: 'problem clock',
    says: /begin in the future: 2001:db8::1/,
  },
  {
    what: 'a block that ends too late',
    before: () => block('2001:db8::1'),
    dead: () => changeRow('UPDATE blocks SET until_ms = ?', Date.now() + 400 * dayMs),
    finds: 'problem clock',
    says: /end later than any block may .*: 2001:db8::1/,
  },
  {
    what: 'a block of who is on the allowlist',
    before: () => block('192.0.2.1'),
    dead: () => site.configure({ allow: ['192.0.2.0/24'] }),
    finds: 'problem allowlist',
    says: /192\.0\.2\.1 is blocked, and 192\.0\.2\.0\/24 is on the allowlist/,
  },
  {
    what: "an allowlisted address that the administrator's file denies",
    plan: { allow: ['192.0.2.0/24'] },
    before: () => put('192.0.2.66', 0o000),
    finds: 'problem allowlist',
    says: /192\.0\.2\.0\/24 is on the allowlist.*refuses 192\.0\.2\.66: .*peers/,
  },
  {
    what: "an allowlisted address in a network that the administrator's file denies",
    plan: { allow: ['192.0.2.66'] },
    before: () => put('192.0', 0o000),
    finds: 'problem allowlist',
    says: /192\.0\.2\.66 is on the allowlist, and an entry of your own refuses it: peers/,
  },
  {
    what: "an operator's allowlist entry that the rules deny",
    plan: { rules: '192.0.2.66:deny\n:allow\n' },
    async before() {
      await site.ipthrottle('allow', 'add', '192.0.2.66');
    },
    finds: 'problem allowlist',
    says: /192\.0\.2\.66 is on the allowlist.*rules/,
  },
  {
    what: 'an allowlisted address that the default of the rules denies',
    plan: { rules: '127.:allow\n:deny\n', allow: ['192.0.2.66', '127.0.0.0/8'] },
    finds: 'problem allowlist',
    says: /192\.0\.2\.66 is on the allowlist.*tcprules/,
  },
  {
    what: 'the tcpsvd of BusyBox',
    how() {
      const directory = temporaryDirectory();
      writeFileSync(join(directory, 'tcpsvd'), '#!/bin/sh\necho BusyBox v1.36.1 >&2; exit 1\n');
      chmodSync(join(directory, 'tcpsvd'), 0o755);
      return { searchPath: `${directory}:${process.env.PATH}` };
    },
    finds: 'problem programs',
    says: /tcpsvd is the one of BusyBox/,
  },
  {
    what: 'a missing tcpsvd',
    how: () => ({ searchPath: temporaryDirectory() }),
    finds: 'hint programs',
    says: /tcpsvd is not in PATH/,
  },
  {
    what: 'a missing ratecheck',
    how: () => ({ program: bundle }),
    finds: 'problem programs',
    says: /ratecheck is neither in PATH nor in /,
  },
  {
    what: 'limits that are switched off',
    async before() {
      await site.ipthrottle('var', 'enforce', 'off');
    },
    finds: 'hint troubles',
    says: /limits are only told/,
  },
  {
    what: 'what failed and fails no more',
    async before() {
      renameSync(site.path('peers'), site.path('away'));
      await site.ipthrottle('block', '192.0.2.1');
      renameSync(site.path('away'), site.path('peers'));
      await until('rater puts the block in force', () => site.peers().includes('192.0.2.1'));
      await until('all is well', async () => (await site.ipthrottle('status')).exit === 0);
    },
    finds: 'hint troubles',
    says: /files of a server could not be used.* \((once|\d+ times) since rater was started, last .*Z\), and now no more/,
  },
];

test('a directory of the socket that is open to those who may ask is as it should be', async () => {
  site = new Site();
  await site.startRater();
  chmodSync(site.directory, 0o750);
  const { findings } = await examine(site);
  expect(kinds(findings)).not.toContainEqual(expect.stringMatching(/sockets/));
});

test.for(cases)('it finds $what, and nothing else', async (each, { skip }) => {
  site = new Site(each.plan);
  skip(Boolean(each.skip), String(each.skip));
  skip(noServers !== undefined, noServers);
  const rater = await site.startRater();
  await each.before?.();
  if (each.dead) {
    await rater.killedBy('SIGKILL');
    await each.dead();
  }
  const { exit, well, findings } = await examine(site, each.how?.());
  const found = findings.filter(({ check, what }) => {
    return !(each.dead && check === 'daemon' && what.startsWith('rater is not running'));
  });
  expect(kinds(found), JSON.stringify(found, undefined, 1)).toEqual([each.finds]);
  expect(`${found[0]?.what}; ${found[0]?.remedy}`).toMatch(each.says);
  expect(found[0]?.remedy).not.toBe('');
  const isWell = !each.dead && each.finds.startsWith('hint');
  expect({ exit, well }).toEqual({ exit: isWell ? 0 : 1, well: isWell });
});

test('it tells what the running daemon is in trouble with', async () => {
  site = new Site({ rules });
  await site.startRater();
  writeFileSync(site.path('rules'), '192.0.2.1:refuse\n');
  await site.ipthrottle('block', '192.0.2.1');
  const { exit, findings } = await examine(site);
  expect(kinds(findings)).toEqual(['problem troubles', 'problem rules']);
  expect(exit).toBe(1);
});

test('a daemon that does not answer is found within seconds', async () => {
  site = new Site();
  const rater = await site.startRater();
  rater.signal('SIGSTOP');
  const { findings } = await examine(site);
  expect(kinds(findings)).toEqual(['problem daemon']);
  expect(findings[0]?.what).toMatch(/does not answer: .*no answer in 5 seconds/);
});

test('it prints one line for each finding, with the remedy, and how many there are', async () => {
  site = new Site();
  put('10\u001b[31m\n', 0o644);
  const { exit, stdout } = await site.ipthrottle('doctor');
  const lines = stdout.trimEnd().split('\n');
  expect(exit).toBe(1);
  expect(lines).toHaveLength(4);
  for (const line of lines.slice(0, -1)) {
    expect(line).toMatch(/^(?:problem|hint): [\w-]+: .+; remedy: .+$/);
  }
  expect(stdout).not.toContain('\u001b');
  expect(lines.at(-1)).toBe('2 problems, 1 hint');
});

describe('a small file system', () => {
  /** Mounts a tmpfs on the peers directory; why that cannot be, or undefined. */
  function mount(options: string): string | undefined {
    const args = ['-t', 'tmpfs', '-o', `${options},mode=755`, 'none', site.path('peers')];
    const { status, stderr } = spawnSync('mount', args, { encoding: 'utf8' });
    return status === 0 ? undefined : `cannot mount: ${stderr}`;
  }

  test('is found to be read-only', async () => {
    site = new Site();
    const why = mount('size=500m');
    if (why !== undefined) {
      console.warn(`tests skipped: ${why}`);
      return;
    }
    try {
      const rater = await site.startRater();
      await rater.killedBy('SIGTERM');
      spawnSync('mount', ['-o', 'remount,ro', site.path('peers')]);
      const { findings } = await examine(site);
      expect(kinds(findings)).toEqual(['problem daemon', 'problem space']);
      expect(findings[1]?.what).toMatch(/peers: its file system is read-only$/);
    } finally {
      spawnSync('umount', [site.path('peers')]);
    }
  });

  test.each([
    { what: 'room', options: 'size=2m', files: 0, says: /MB are left/ },
    { what: 'files', options: 'size=500m,nr_inodes=20', files: 19, says: /0 of 20 files are left/ },
  ])('is found to have few $what left', async ({ options, files, says }) => {
    site = new Site();
    const why = mount(options);
    if (why !== undefined) {
      console.warn(`tests skipped: ${why}`);
      return;
    }
    try {
      for (let n = 1; n <= files; n += 1) put(`10.0.0.${n}`, 0o444);
      const rater = await site.startRater();
      const { findings } = await examine(site);
      await rater.killedBy('SIGKILL');
      expect(kinds(findings)).toEqual(['problem space']);
      expect(findings[0]?.what).toMatch(says);
    } finally {
      spawnSync('umount', [site.path('peers')]);
    }
  });
});
