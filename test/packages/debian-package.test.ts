/** The Debian package: what is in it, and its life in a fresh root of Debian. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installation } from '../docs/installation.ts';
import { root } from '../docs/manual-page.ts';
import { type DebianPackages, debianPackages } from '../run/debian-packages.ts';
import { missing, unless } from '../run/unless.ts';
import { until } from '../system/running-program.ts';
import { DebianRoot, noDebianRoot } from './debian-root.ts';

function run(environment: NodeJS.ProcessEnv, program: string, ...args: string[]) {
  const options = { encoding: 'utf8', env: { ...process.env, ...environment } } as const;
  const { status, stdout, stderr } = spawnSync(program, args, options);
  return { status, said: `${stdout}${stderr}` };
}

/** To make the root takes half a minute, and several on a loaded machine. */
const rootTimeoutMs = 600_000;

/** Lets lintian find its modules and its data where it is only unpacked. */
function unpackedPerl({ root: below, bin, environment }: DebianPackages): NodeJS.ProcessEnv {
  const folders = (environment.LD_LIBRARY_PATH ?? '').split(':').map((path) => join(path, 'perl5'));
  const native = folders
    .filter((path) => existsSync(path))
    .flatMap((path) => {
      return readdirSync(path).map((version) => join(path, version));
    });
  return {
    ...environment,
    PATH: `${bin}:${process.env.PATH}`,
    PERL5LIB: [join(below, 'usr/share/perl5'), ...native].join(':'),
    LINTIAN_BASE: join(below, 'usr/share/lintian'),
  };
}

const reason = missing('dpkg-deb', 'strip');

describe('the Debian package', unless(reason), () => {
  let work = '';
  let tree = '';
  let file = '';

  /** Somebody's, with a umask and a time zone of their own. */
  function build(name: string, umask: string, zone: string): string {
    const directory = join(work, name);
    const environment = { SOURCE_DATE_EPOCH: '1790000000', TZ: zone };
    const command = [`umask ${umask}; exec sh "$0" "$1"`, join(root, 'debian/build.sh'), directory];
    expect(run(environment, 'sh', '-c', ...command)).toMatchObject({ status: 0 });
    return join(directory, readdirSync(directory)[0] as string);
  }

  beforeAll(() => {
    work = mkdtempSync(join(tmpdir(), 'ipthrottle-test-'));
    tree = join(work, 'tree');
    file = build('first', '022', 'UTC');
    expect(run({}, 'dpkg-deb', '-R', file, tree)).toMatchObject({ status: 0 });
  });

  afterAll(() => rmSync(work, { recursive: true, force: true }));

  test('two builds are the same bytes', () => {
    const again = build('second', '077', 'Asia/Tokyo');
    expect(readFileSync(again).equals(readFileSync(file))).toBe(true);
  });

  test('it says which Node it needs', () => {
    const control = readFileSync(join(tree, 'DEBIAN/control'), 'utf8');
    const major = Number(process.versions.node.split('.')[0]);
    const least = major === 20 ? '20.19' : major;
    expect(control).toContain(`Depends: nodejs (>= ${least}), nodejs (<< ${major + 1}~), `);
    expect(control).toContain(`compiled for Node ${major},`);
  });

  test('it has every program and manual of package.json, and the sample as configuration', () => {
    const { bin, man } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const programs = ['usr/bin', 'usr/sbin'].flatMap((place) => readdirSync(join(tree, place)));
    expect(programs.sort()).toEqual(Object.keys(bin).sort());
    for (const page of man as string[]) {
      const name = `usr/share/man/man${page.at(-1)}/${page.replace('man/', '')}.gz`;
      expect(existsSync(join(tree, name)), name).toBe(true);
    }
    for (const name of programs) {
      expect(existsSync(join(tree, `usr/share/man/man8/${name}.8.gz`)), name).toBe(true);
    }
    const read = (path: string) => readFileSync(path, 'utf8');
    expect(read(join(tree, 'etc/ipthrottle/rater.conf'))).toBe(read(join(root, 'etc/rater.conf')));
    expect(read(join(tree, 'DEBIAN/conffiles'))).toBe('/etc/ipthrottle/rater.conf\n');
  });

  test('its unit starts the program of the package, and needs no group that may not be there', () => {
    const unit = readFileSync(join(tree, 'usr/lib/systemd/system/ipthrottle.service'), 'utf8');
    expect(unit).toMatch(/^ExecStart=\/usr\/sbin\/rater -c /m);
    expect(unit).toMatch(/^User=ipthrottle$/m);
    expect(unit).not.toContain('SupplementaryGroups');
    expect(unit).not.toContain('Copy to');
  });

  test('it has the licence of all that it contains', () => {
    const copyright = readFileSync(join(tree, 'usr/share/doc/ipthrottle/copyright'), 'utf8');
    const contained = ['better-sqlite3', 'bindings', 'chokidar', 'commander', 'ipaddr.js', 'pino'];
    for (const name of contained) expect(copyright).toMatch(`It contains ${name} `);
    expect(copyright).toContain('SQLite, which is in the public domain');
  });

  describe('lintian', () => {
    const packages = missing('lintian') === undefined ? undefined : debianPackages('lintian');
    test('finds no error, and warns of nothing', unless(packages?.reason), () => {
      const lintian = packages ? join(packages.bin, 'lintian') : 'lintian';
      const environment = packages ? unpackedPerl(packages) : {};
      expect(run(environment, lintian, '--allow-root', file)).toEqual({ status: 0, said: '' });
    });
  });

  test('installed, upgraded, removed and purged it leaves to the administrator what is the administrator’s', {
    ...unless(noDebianRoot),
    timeout: rootTimeoutMs,
  }, async ({ skip }) => {
    const debian = new DebianRoot();
    const failure = debian.make();
    skip(failure !== undefined, failure);
    const inside = (path: string) => join(debian.path, path);
    const runs = (script: string) => {
      const { status, said } = debian.run(script);
      expect({ script, said, status }).toMatchObject({ status: 0 });
      return said;
    };
    const upgrade = inside('tmp/upgrade.deb');
    run({}, 'cp', file, inside('tmp/ipthrottle.deb'));
    run({}, 'sed', '-i', 's/^Version: .*/Version: 99/', join(tree, 'DEBIAN/control'));
    run({}, 'dpkg-deb', '--root-owner-group', '-Znone', '--build', tree, upgrade);

    expect(debian.run('dpkg -i /tmp/ipthrottle.deb').said).toContain('depends on nodejs (>= ');
    runs(`dpkg -i ${debian.nodePackage()} && dpkg --configure -a`);
    for (const name of ['rater', 'ipthrottle', 'ratecheck']) runs(`${name} -V`);
    expect(runs('getent passwd ipthrottle')).toMatch(
      /:\/var\/lib\/ipthrottle:\/usr\/sbin\/nologin$/m,
    );
    for (const path of [
      '/var/lib/ipthrottle',
      '/var/lib/ipthrottle/rules',
      '/var/log/ipthrottle',
    ]) {
      expect(runs(`stat -c '%U:%G %a' ${path}`)).toBe('ipthrottle:ipthrottle 755\n');
    }
    expect(runs('find /etc/systemd /etc/rc?.d -name "*ipthrottle*"')).toBe('');
    expect(statSync(inside('usr/bin/ratecheck')).mode & 0o7777).toBe(0o755);

    const examples = '/usr/share/doc/ipthrottle/examples';
    const rest = installation('adduser ipthrottle nofiles');
    runs(`groupadd -r nofiles && set -e && cd ${examples} && ${rest}`);
    runs('install -d -o ipthrottle /run/ipthrottle && echo "# mine" >>/etc/ipthrottle/rater.conf');
    const user = ['--reuid=ipthrottle', '--regid=ipthrottle', '--init-groups'];
    const rater = debian.start('setpriv', ...user, 'rater', '-c', '/etc/ipthrottle/rater.conf');
    await rater.says(/all in force/);
    runs('ipthrottle block 192.0.2.1 --for 1h');
    expect(existsSync(inside('etc/ipsvd/smtp/peers/192.0.2.1'))).toBe(true);

    const looker = debian.start(
      'sh',
      '-c',
      'echo looks; while ratecheck -V >/dev/null; do :; done',
    );
    await looker.says(/looks/);
    runs('dpkg -i /tmp/upgrade.deb');
    expect(looker.isRunning).toBe(true);
    await looker.end();
    expect(runs('dpkg -s ipthrottle')).toMatch(/^Version: 99$/m);
    expect(runs('tail -n 1 /etc/ipthrottle/rater.conf')).toBe('# mine\n');
    await rater.killedBy('SIGTERM');
    const newer = debian.start('setpriv', ...user, 'rater', '-c', '/etc/ipthrottle/rater.conf');
    await newer.says(/blocks=1/);
    expect(runs('ipthrottle list')).toContain('192.0.2.1');
    expect(runs('TCPREMOTEIP=192.0.2.2 ratecheck echo passed')).toBe('passed\n');

    runs('dpkg --remove ipthrottle');
    expect(readdirSync(inside('etc/ipsvd/smtp/peers')).sort()).toEqual(['0', '10', '127.0.0.1']);
    expect(existsSync(inside('usr/lib/ipthrottle'))).toBe(false);
    expect(existsSync(inside('etc/ipthrottle/rater.conf'))).toBe(true);
    expect(existsSync(inside('var/lib/ipthrottle/ipthrottle.db'))).toBe(true);
    await newer.killedBy('SIGTERM');
    await until('rater has ended', () => !newer.isRunning);

    runs('dpkg --purge ipthrottle');
    for (const path of ['etc/ipthrottle', 'var/lib/ipthrottle', 'var/log/ipthrottle']) {
      expect(existsSync(inside(path)), path).toBe(false);
    }
    expect(existsSync(inside('etc/ipsvd/smtp/peers'))).toBe(true);
  });
});
