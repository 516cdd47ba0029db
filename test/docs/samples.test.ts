/** The samples that an administrator copies do what they say, under the real servers. */
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { wordsFrom } from '../enforcers/words-from.ts';
import { configFrom } from '../gatekeeper/site.ts';
import { temporaryDirectory } from '../run/temporary-directory.ts';
import { missing, unless } from '../run/unless.ts';
import { startMailServer } from '../system/mail-server.ts';
import { until } from '../system/running-program.ts';
import { installation } from './installation.ts';
import { root } from './manual-page.ts';
import { noOwnRoot, OwnRoot } from './own-root.ts';
import { run } from './programs.ts';
import { sourceFiles } from './source-files.ts';

describe('run scripts', () => {
  const scripts = sourceFiles('etc', 'run');

  test('there is one for each program and supervisor', () => {
    expect(scripts.length).toBeGreaterThanOrEqual(5);
  });

  test.each(scripts)('$path is a sound script and executable', ({ path, text }) => {
    expect(text).toMatch(/^#!\/bin\/sh\n# /);
    expect(run('sh', ['-n', join(root, path)])).toEqual({ status: 0, said: '' });
    expect(statSync(join(root, path)).mode & 0o111).toBe(0o111);
  });

  test('those for SMTP run ratecheck before anything else', () => {
    for (const { text } of scripts.filter(({ path }) => path.includes('smtpd'))) {
      expect(text).toMatch(/ 0 25 \\\n {2}ratecheck \/var\/qmail\/bin\/qmail-smtpd\n$/);
    }
  });
});

/** The configuration in EXAMPLES of ipthrottle(7). */
function exampleInManual(): string {
  const text = readFileSync(join(root, 'man/ipthrottle.7'), 'utf8');
  const [, example = ''] = /^(settings : .*?)\n\.Ed$/ms.exec(text) ?? [];
  return example;
}

test('systemd understands the unit', unless(missing('systemd-analyze')), () => {
  const unit = readFileSync(join(root, 'etc/systemd/ipthrottle.service'), 'utf8');
  // The program and the manuals need not be installed here.
  const here = unit
    .replace(/^ExecStart=.*$/m, 'ExecStart=/bin/true')
    .replace(/^Documentation=.*\n/m, '');
  const copy = join(temporaryDirectory(), 'ipthrottle.service');
  writeFileSync(copy, here);
  const { said } = run('systemd-analyze', ['verify', copy]);
  expect(said.split('\n').filter((line) => line.includes('ipthrottle.service'))).toEqual([]);
});

describe('the systemd unit', () => {
  const unit = readFileSync(join(root, 'etc/systemd/ipthrottle.service'), 'utf8');
  const setting = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1];
  const pathsIn = (name: string, below: string) => {
    return (setting(name) ?? '').split(' ').map((path) => join(below, path.replace(/^-/, '')));
  };

  test.for([
    ['NoNewPrivileges', 'yes'],
    ['CapabilityBoundingSet', ''],
    ['AmbientCapabilities', ''],
    ['ProtectSystem', 'strict'],
    ['ProtectHome', 'yes'],
    ['PrivateTmp', 'yes'],
    ['PrivateDevices', 'yes'],
    ['RestrictAddressFamilies', 'AF_UNIX AF_INET AF_INET6'],
    ['RestrictSUIDSGID', 'yes'],
    ['SystemCallFilter', '@system-service'],
    ['UMask', '0077'],
    ['User', 'ipthrottle'],
  ])('takes from rater what it does not need: %s=%s', ([name, value]) => {
    expect(setting(name as string)).toBe(value);
  });

  test('lets rater write where the defaults and the examples of the manual say, and nowhere else', () => {
    const writable = [
      ...pathsIn('RuntimeDirectory', '/run'),
      ...pathsIn('StateDirectory', '/var/lib'),
      ...pathsIn('ReadWritePaths', '/'),
    ];
    const defaults = configFrom('limits : { ip : (); };').settings;
    const { blocking } = configFrom(exampleInManual());
    const files = [defaults.socket, defaults.controlSocket, defaults.dbPath];
    const directories = files.map((file) => dirname(file));
    for (const name of ['README.md', 'man/ipthrottle.7', 'etc/daemontools/smtpd-tcpserver/run']) {
      const [path] = /[^\s"]+\/rules\b/.exec(readFileSync(join(root, name), 'utf8')) ?? [];
      if (path) directories.push(path);
    }
    if (blocking.peers) directories.push(blocking.peers.directory);
    expect([...new Set(writable)].sort()).toEqual([...new Set(directories)].sort());
  });
});

test('the cron table runs a command as the daemon’s user', () => {
  const table = readFileSync(join(root, 'etc/cron.d/ipthrottle'), 'utf8');
  expect(table).toMatch(/^\*\/5 \* \* \* \* {2}ipthrottle {2}ipthrottle reap$/m);
});

test('the configuration in the README is valid', () => {
  const [, text = ''] =
    /```\n(settings : .*?)```/s.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? [];
  const file = join(temporaryDirectory(), 'rater.conf');
  writeFileSync(file, text);
  expect(loadConfig(file).blocking.peers?.directory).toBe('/etc/ipsvd/smtp/peers');
});

test('the configuration in ipthrottle.7 is valid', () => {
  expect(configFrom(exampleInManual()).classes.get('ip')?.limits.length).toBe(3);
});

/** The samples as `install -m 0444` leaves them, where tcpsvd can read them as any user. */
function installedPeers(mode = 0o444): string {
  const parent = temporaryDirectory();
  chmodSync(parent, 0o755);
  const directory = join(parent, 'peers');
  mkdirSync(directory, { mode: 0o755 });
  cpSync(join(root, 'peers'), directory, { recursive: true });
  for (const name of readdirSync(directory)) chmodSync(join(directory, name), mode);
  return directory;
}

async function environmentServer(...options: string[]): Promise<number> {
  const { port, server } = await startMailServer('tcpsvd', {
    options,
    command: ['env'],
    directory: '/',
  });
  onTestFinished(() => server.end());
  return port;
}

/** Follows it, with a ratecheck that waits a minute: a slow machine may exceed the usual deadline. */
function install(machine: OwnRoot): void {
  expect(machine.run(`set -e\ncd /opt/ipthrottle\n${installation('ln -s')}`)).toMatchObject({
    status: 0,
  });
  const patient = '#!/bin/sh\\nexec /opt/ipthrottle/bin/ratecheck -t 60000 "$@"\\n';
  machine.run(`printf '${patient}' >/usr/local/bin/ratecheck`);
}

describe('the README followed with etc/rater.conf', unless(noOwnRoot), () => {
  /** How each pair of run scripts is started, and what the configuration needs beside the sample. */
  const pairs = [
    { supervisor: 'runit', server: 'runit/smtpd-tcpsvd', needs: ['chpst', 'tcpsvd'] },
    { supervisor: 'daemontools', server: 'runit/smtpd-tcpsvd', needs: ['setpriv', 'tcpsvd'] },
    {
      supervisor: 'daemontools',
      server: 'daemontools/smtpd-tcpserver',
      needs: ['setpriv', 'tcpserver'],
    },
  ];

  test.for(pairs)(
    '$supervisor and $server: the server drops who makes too many connections',
    async ({ supervisor, server, needs }, { skip }) => {
      const lacking = missing(...needs);
      skip(lacking !== undefined, lacking);
      const machine = await OwnRoot.make();
      install(machine);
      machine.run('cp /opt/ipthrottle/etc/rater.conf /etc/ipthrottle/');
      if (server.includes('tcpserver')) {
        machine.run('echo :allow >/etc/tcp.smtp');
        // What the comment in the sample says.
        machine.run("sed -i '/^  # tcprules: {/,/^  # };/s/# //' /etc/ipthrottle/rater.conf");
      }
      const rater = machine.start('sh', `/opt/ipthrottle/etc/${supervisor}/rater/run`);
      await rater.says(/all in force/);
      const smtpd = machine.start('sh', `/opt/ipthrottle/etc/${server}/run`);
      await until('it listens', () => machine.greeting('127.0.0.1') === '220 ready');
      for (let turn = 0; turn < 10; turn += 1) expect(machine.greeting()).toBe('220 ready');
      expect(machine.greeting()).toMatch(/^421 4\.7\.0 Too many connections/);
      await until('it is in force at the server', () => machine.greeting() === '');
      await smtpd.says(/: deny \d+ /);
    },
  );

  test('doctor names each step that is missing, until all is well', async ({ skip }) => {
    const lacking = missing('setpriv', 'tcpsvd');
    skip(lacking !== undefined, lacking);
    const machine = await OwnRoot.make();
    install(machine);
    const doctor = () => machine.run('ipthrottle doctor --probe');
    const lastLine = () => doctor().said.trimEnd().split('\n').at(-1);
    expect(doctor().said).toContain('/etc/ipthrottle/rater.conf');

    const sample = '/opt/ipthrottle/etc/rater.conf';
    machine.run(`grep -v socket_group ${sample} >/etc/ipthrottle/rater.conf`);
    expect(doctor().said).toMatch(/^problem: daemon: rater is not running/m);

    const run = (name: string) => machine.start('sh', `/opt/ipthrottle/etc/${name}/run`);
    const rater = run('daemontools/rater');
    await rater.says(/all in force/);
    expect(doctor().said).toMatch(
      /^problem: sockets: .*nobody but root .*; remedy: .*socket_group/m,
    );

    const server = run('runit/smtpd-tcpsvd');
    await until('it listens', () => machine.greeting() === '220 ready');
    for (let turn = 0; turn < 11; turn += 1) expect(machine.greeting()).toBe('220 ready');
    await until('rater counts them', () =>
      /^degraded: failed open/m.test(machine.run('ipthrottle status').said),
    );
    expect(doctor().said).toMatch(/^problem: troubles: ratecheck could not ask rater/m);
    expect(lastLine()).toMatch(/^2 problems, 0 hints; proven: .*whether clients are counted/);

    machine.run(`cp ${sample} /etc/ipthrottle/rater.conf`);
    await rater.killedBy('SIGTERM');
    await run('daemontools/rater').says(/all in force/);
    expect(lastLine()).toMatch(/^no problem found; .*; not looked at: whether clients are counted/);
    expect(machine.greeting()).toBe('220 ready');
    expect(lastLine()).toMatch(/^all is well: \d+ checks found nothing; proven: .* refuses$/);
    expect(server.isRunning).toBe(true);
  });

  test('files of the administrator’s are as they were', async () => {
    const machine = await OwnRoot.make();
    const own = 'mkdir -p /etc/ipsvd/smtp/peers && cd /etc/ipsvd/smtp/peers';
    machine.run(`${own} && echo +RELAYCLIENT= >127.0.0.1 && install -m 0 /dev/null 0`);
    const stat = 'cd /etc/ipsvd/smtp/peers && stat -c "%n %a %Y %s" *';
    const before = machine.run(stat).said.trimEnd().split('\n');
    expect(before).toHaveLength(2);
    install(machine);
    const after = machine.run(stat).said.trimEnd().split('\n');
    expect(after).toEqual(expect.arrayContaining(before));
    expect(after.filter((line) => !before.includes(line))).toEqual([
      expect.stringMatching(/^10 444 /),
    ]);
  });
});

test('no step of the setup copies over what is there', () => {
  for (const name of ['README.md', 'man/ipthrottle.7']) {
    const text = readFileSync(join(root, name), 'utf8');
    expect(text).toContain('[ -e "/etc/ipsvd/smtp/$f" ] ||');
    expect(text).not.toMatch(/install [^\n]*peers\/\* /);
  }
});

describe('the sample instructions under tcpsvd', () => {
  const noServer = missing('tcpsvd');

  test('this host may relay, others may not', unless(noServer), async () => {
    const port = await environmentServer('-i', installedPeers());
    const local = await wordsFrom('127.0.0.1', port);
    expect(local).toMatch(/^RELAYCLIENT=$/m);
    expect(local).toMatch(/^RBLSMTPD=$/m);
    const other = await wordsFrom('127.0.0.2', port);
    expect(other).toMatch(/^TCPREMOTEIP=127\.0\.0\.2$/m);
    expect(other).not.toMatch(/^(RELAYCLIENT|RBLSMTPD)=/m);
  });

  test(
    'the network of one’s own is not looked up in lists, and may not relay',
    unless(noServer),
    async () => {
      const peers = installedPeers();
      cpSync(join(peers, '10'), join(peers, '127'));
      const port = await environmentServer('-i', peers);
      const inside = await wordsFrom('127.0.0.2', port);
      expect(inside).toMatch(/^RBLSMTPD=$/m);
      expect(inside).not.toMatch(/^RELAYCLIENT=/m);
    },
  );

  test.each([
    [0o444, 'survive', ['0', '10', '127.0.0.1']],
    // tcpsvd removes the client's file and goes on to the next that matches.
    [0o644, 'are deleted by', ['10']],
  ])('files of mode %i %s tcpsvd -t', unless(noServer), async (mode, _, left) => {
    const peers = installedPeers(mode);
    for (const name of readdirSync(peers)) utimesSync(join(peers, name), 1, 1);
    const port = await environmentServer('-t', '1', '-i', peers);
    expect(await wordsFrom('127.0.0.1', port)).toMatch(/TCPREMOTEIP/);
    expect(readdirSync(peers).sort()).toEqual(left);
  });

  test('ipsvd-cdb compiles them without a warning', unless(missing('ipsvd-cdb')), () => {
    const cdb = join(temporaryDirectory(), 'peers.cdb');
    expect(run('ipsvd-cdb', [cdb, `${cdb}.tmp`, installedPeers()])).toEqual({
      status: 0,
      said: '',
    });
  });
});
