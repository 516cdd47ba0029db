/**
 * The real daemon, bin/rater, for one test: in a directory of its own, killed when the test is over.
 */
import { execFile, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const patienceMs = 60_000;

export const programs = fileURLToPath(new URL('../../bin/', import.meta.url));

export type RunningRater = {
  readonly socket: string;
  readonly configFile: string;
  readonly pid: number;
  /** Its log so far. */
  log(): string;
  /** Resolves when the log has the pattern. */
  says(pattern: RegExp): Promise<void>;
  /** Ends it, by SIGKILL unless told otherwise, and waits for that. */
  kill(signal?: NodeJS.Signals): Promise<void>;
};

/** Waits until `isTrue`; what it waits for is events, so the time only bounds a failure. */
export async function until(
  what: string | (() => string),
  isTrue: () => boolean | Promise<boolean>,
): Promise<void> {
  const lastMs = performance.now() + patienceMs;
  while (performance.now() < lastMs) {
    if (await isTrue()) return;
    await pause(5);
  }
  throw new Error(`waited in vain for ${typeof what === 'string' ? what : what()}`);
}

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
  const child = spawn(process.execPath, [join(programs, 'rater'), '-c', configFile], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (bytes: Buffer) => {
    said += bytes.toString('utf8');
  });
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const kill = (signal: NodeJS.Signals = 'SIGKILL') => {
    child.kill(signal);
    return ended;
  };
  onTestFinished(() => kill());
  const says = (pattern: RegExp) =>
    until(
      () => `${pattern} in the log of rater: ${said}`,
      () => {
        if (child.exitCode !== null) throw new Error(`rater ended: ${said}`);
        return pattern.test(said);
      },
    );
  await says(/ready/);
  await says(/all in force|error: /);
  const socket = join(directory, 'rater.sock');
  if (!existsSync(socket)) throw new Error(`there is no ${socket}`);
  return { socket, configFile, pid: child.pid as number, log: () => said, says, kill };
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
