/**
 * A machine of a test's own as far as files and networks go: changes in `/etc`, `/opt`,
 * `/usr/local` and `/var` that nobody else sees, an empty `/run`, the project at `/opt/ipthrottle`, a
 * loopback interface with 192.0.2.1, the user and group of qmail-smtpd, and a qmail-smtpd that greets.
 *
 * So samples and the README are run as they are written, with their own paths, users and ports.
 */
import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { onTestFinished } from 'vitest';
import { temporaryDirectory } from '../run/temporary-directory.ts';
import { missing, notRoot } from '../run/unless.ts';
import { cannotBecomeNobody } from '../system/nobody.ts';
import { RunningProgram } from '../system/running-program.ts';
import { root } from './manual-page.ts';

const namespaces = ['--mount', '--net'];

function whyNot(): string | undefined {
  const lacking = notRoot ?? cannotBecomeNobody ?? missing('unshare', 'nsenter', 'ip', 'adduser');
  if (lacking !== undefined) return lacking;
  const { status } = spawnSync('unshare', [...namespaces, 'mount', '-t', 'tmpfs', 'none', '/mnt']);
  return status === 0 ? undefined : 'no namespaces can be made here';
}

/** Why there can be none here, or undefined. */
export const noOwnRoot = whyNot();

/** All changes are in a tmpfs, which ends with the namespace. */
const setUp = `set -e
ip link set lo up
ip address add 192.0.2.1/32 dev lo
mount -t tmpfs none "$1"
mkdir "$1/project"
mount --bind "$2" "$1/project"
for top in etc opt usr/local var; do
  mkdir -p "$1/$top/upper" "$1/$top/work"
  mount -t overlay -o "lowerdir=/$top,upperdir=$1/$top/upper,workdir=$1/$top/work" none "/$top"
done
mount -t tmpfs -o mode=755 none /run
rm -rf /etc/sv /etc/service /etc/ipsvd /etc/ipthrottle /etc/tcp.smtp /opt/ipthrottle /var/lib/ipthrottle
mkdir -p /opt/ipthrottle /var/qmail/bin
mount --bind "$1/project" /opt/ipthrottle
groupadd -r nofiles
useradd -r -g nofiles -d /nonexistent -M qmaild
printf '#!/bin/sh\\necho 220 ready\\n' >/var/qmail/bin/qmail-smtpd
chmod 755 /var/qmail/bin/qmail-smtpd
echo ready
exec sleep 1000000`;

export type Said = { readonly status: number | null; readonly said: string };

export class OwnRoot {
  readonly #holder: RunningProgram;
  readonly #running: RunningProgram[] = [];

  static async make(): Promise<OwnRoot> {
    const directory = temporaryDirectory();
    const shell = ['sh', '-c', setUp, 'sh', directory, root];
    const holder = new RunningProgram({
      command: ['unshare', ...namespaces, ...shell],
      directory: '/',
    });
    const made = new OwnRoot(holder);
    onTestFinished(() => made.#stop());
    await holder.says(/^ready$/m);
    return made;
  }

  private constructor(holder: RunningProgram) {
    this.#holder = holder;
  }

  /** Runs a shell's script to its end, as root. */
  run(script: string): Said {
    const [program = '', ...args] = this.#inside('sh', '-c', script);
    const { status, stdout, stderr } = spawnSync(program, args, {
      encoding: 'utf8',
      cwd: '/',
      env: this.#environment,
    });
    return { status, said: `${stdout}${stderr}` };
  }

  /** Starts a program that goes on, as a supervisor would. */
  start(...command: string[]): RunningProgram {
    const program = new RunningProgram({
      command: this.#inside(...command),
      directory: '/',
      environment: this.#environment,
    });
    this.#running.push(program);
    return program;
  }

  /** What the server at port 25 says to a client, line by line; empty: it closes in silence. */
  greeting(from = '192.0.2.1'): string {
    const script = `require('net').connect({ host: '127.0.0.1', port: 25, localAddress: '${from}' })
      .on('error', () => {}).on('data', (bytes) => process.stdout.write(bytes))`;
    return this.run(`exec '${process.execPath}' -e "${script}"`).said.trim();
  }

  get #environment() {
    return { PATH: `/usr/local/bin:${dirname(process.execPath)}:${process.env.PATH ?? ''}` };
  }

  #inside(...command: string[]): string[] {
    return ['nsenter', '-t', String(this.#holder.pid), '-m', '-n', ...command];
  }

  async #stop(): Promise<void> {
    for (const program of this.#running.toReversed()) await program.end();
    await this.#holder.end();
  }
}
