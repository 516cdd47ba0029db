/**
 * A fresh root of Debian, made by debootstrap, in which packages are installed for real. Its node is
 * the one that runs here, as a package `nodejs` made on the spot: Debian 12 has only Node 18.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { temporaryDirectory } from '../run/temporary-directory.ts';
import { missing, notRoot } from '../run/unless.ts';
import { RunningProgram } from '../system/running-program.ts';

const [, suite] = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8')) ?? [];

/** Why there can be none here, or undefined. */
export const noDebianRoot =
  notRoot ??
  missing('debootstrap', 'dpkg-deb', 'unshare', 'chroot') ??
  (suite ? undefined : 'not a release of Debian');

/** Without systemd, as under runit: what the package needs in its place, and the README. */
const include = 'systemd-standalone-sysusers,systemd-standalone-tmpfiles,adduser';

export class DebianRoot {
  readonly path = join(temporaryDirectory(), 'root');

  /** Says why not, if the archive of Debian cannot be reached for instance. */
  make(): string | undefined {
    const command = ['--variant=minbase', `--include=${include}`, suite as string, this.path];
    const { status, stdout } = spawnSync('debootstrap', command, { encoding: 'utf8' });
    if (status !== 0) return `debootstrap failed: ${stdout.trimEnd().split('\n').at(-1)}`;
    copyFileSync(process.execPath, join(this.path, 'opt/node'));
    return undefined;
  }

  /** A package that has nothing but a link to that node. */
  nodePackage(): string {
    const tree = join(this.path, 'tmp/nodejs');
    mkdirSync(join(tree, 'DEBIAN'), { recursive: true });
    mkdirSync(join(tree, 'usr/bin'), { recursive: true });
    symlinkSync('/opt/node', join(tree, 'usr/bin/node'));
    const fields = {
      Package: 'nodejs',
      Version: process.versions.node,
      Architecture: 'all',
      Maintainer: 'test <test@packages.invalid>',
      Description: 'a link to node',
    };
    const control = Object.entries(fields).map(([name, value]) => `${name}: ${value}\n`);
    writeFileSync(join(tree, 'DEBIAN/control'), control.join(''));
    spawnSync('dpkg-deb', ['--root-owner-group', '--build', tree]);
    return '/tmp/nodejs.deb';
  }

  /** Runs a shell's script to its end in it, as root. */
  run(script: string): { status: number | null; said: string } {
    const [program = '', ...args] = this.#inside('sh', '-c', script);
    const options = { encoding: 'utf8', env: environment } as const;
    const { status, stdout, stderr } = spawnSync(program, args, options);
    return { status, said: `${stdout}${stderr}` };
  }

  /** Starts a program in it that goes on. */
  start(...command: string[]): RunningProgram {
    const program = new RunningProgram({
      command: this.#inside(...command),
      directory: '/',
      environment,
    });
    onTestFinished(() => program.end());
    return program;
  }

  #inside(...command: string[]): string[] {
    const enter = 'mount -t proc none "$0/proc" && exec chroot "$0" "$@"';
    return ['unshare', '--mount', 'sh', '-c', enter, this.path, ...command];
  }
}

const environment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  DEBIAN_FRONTEND: 'noninteractive',
  LC_ALL: 'C.UTF-8',
};
