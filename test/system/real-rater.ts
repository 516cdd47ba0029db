/**
 * The real daemon, bin/rater, for one test: in a directory of its own, killed when the test is
 * over.
 */
import { execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { RunningProgram } from './running-program.ts';

export const programs = fileURLToPath(new URL('../../bin/', import.meta.url));

export type RunningRater = {
  readonly socket: string;
  readonly configFile: string;
  readonly pid: number;
  /** Its log so far. */
  log(): string;
  /** Resolves when the log has the pattern. */
  says(pattern: RegExp): Promise<void>;
  /** Ends it, with SIGKILL by default, and waits for that. */
  kill(signal?: NodeJS.Signals): Promise<void>;
};

/** Starts it on `configuration`, to which a line with its own sockets and database is added. */
export async function startRater(
  directory: string,
  configuration: string,
  settings = '',
): Promise<RunningRater> {
  const configFile = join(directory, 'rater.conf');
  const own = `settings : { socket: "rater.sock"; db_path: "rater.db"; ${settings} };`;
  const text = /^settings\b/m.test(configuration) ? configuration : `${own}\n${configuration}`;
  writeFileSync(configFile, text);
  const rater = new RunningProgram({
    command: [process.execPath, join(programs, 'rater'), '-c', configFile],
    directory: process.cwd(),
  });
  const kill = (signal: NodeJS.Signals = 'SIGKILL') => rater.killedBy(signal);
  onTestFinished(() => kill());
  const says = (pattern: RegExp) => rater.says(pattern);
  await says(/ready/);
  await says(/all in force|error: /);
  const socket = join(directory, 'rater.sock');
  if (!existsSync(socket)) throw new Error(`there is no ${socket}`);
  return { socket, configFile, pid: rater.pid, log: () => rater.said, says, kill };
}

export type Finished = { exit: number | null; stdout: string; stderr: string };

/** Runs the command to its end. */
export function ipthrottle(configFile: string, ...args: string[]): Promise<Finished> {
  return new Promise((resolve) => {
    const command = [join(programs, 'ipthrottle'), '-c', configFile, ...args];
    const child = execFile(process.execPath, command, (_error, stdout, stderr) => {
      resolve({ exit: child.exitCode, stdout, stderr });
    });
  });
}
