/**
 * Runs a plugin as qmail-smtpd with the qmail-spp patch does, and reads its output in the same way:
 * standard input is closed, the environment is the session's, standard output is read line by line,
 * and a last line without its end loses its last character.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { programs } from '../system/real-rater.ts';

export type Transcript = {
  /** The commands that qmail-smtpd understood, in order. */
  readonly commands: readonly string[];
  readonly log: readonly string[];
  readonly exit: number | null;
  /** The pid of this session, which the plugin sees as its parent. */
  readonly pid: number;
  readonly milliseconds: number;
};

/** What qmail-smtpd makes of the bytes. */
export function commandsIn(output: string): string[] {
  const lines = output.split('\n');
  const unfinished = lines.pop() ?? '';
  return unfinished ? [...lines, unfinished.slice(0, -1)] : lines;
}

/**
 * The stand-in for qmail-smtpd is a shell that closes fd 0 and runs the plugin as its child, so
 * that the plugin's parent is this session. It says its pid and the exit code last.
 */
const session = 'exec 0<&-; "$@"; echo "exit $? of $$" >&3';

export function runPlugin(
  plugin: string,
  env: Readonly<Record<string, string>>,
  cwd = '/',
): Promise<Transcript> {
  const path = plugin.includes('/') ? plugin : join(programs, plugin);
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn('/bin/sh', ['-c', session, 'qmail-smtpd', path], {
      cwd,
      env: { PATH: '/usr/bin:/bin', ...env },
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    });
    const said = ['', '', '', ''];
    for (const fd of [1, 2, 3]) {
      child.stdio[fd]?.on('data', (bytes: Buffer) => {
        said[fd] += bytes.toString('latin1');
      });
    }
    child.on('error', reject);
    child.on('close', () => {
      const [, exit, pid] = /^exit (\d+) of (\d+)$/m.exec(said[3] ?? '') ?? [];
      resolve({
        commands: commandsIn(said[1] ?? ''),
        log: (said[2] ?? '').split('\n').slice(0, -1),
        exit: exit === undefined ? null : Number(exit),
        pid: Number(pid),
        milliseconds: performance.now() - start,
      });
    });
  });
}
