/**
 * Runs a program that reads what it is told, prints its answer and says on stderr what is wrong.
 *
 * Guarantee: when its time is up it is killed and no longer waited for.
 */
import { execFile, spawnSync } from 'node:child_process';
import { errnoOf, reasonOf } from './errors.ts';
import type { Slow } from './work.ts';

export type Run = {
  readonly command: string;
  readonly args: readonly string[];
  readonly input: Uint8Array;
  readonly timeoutMs: number;
};

export type CommandResult = {
  /** Why it is no success: `exit 100`, `killed by SIGKILL`; undefined: it is one. */
  readonly why: string | undefined;
  /** Its stderr and its stdout, as Latin-1. */
  readonly said: string;
  readonly printed: string;
  /** Whether there is no such program. */
  readonly isMissing: boolean;
};

const killSignal = 'SIGKILL';

export function running(run: Run): Slow<CommandResult> {
  return { now: () => runNow(run), later: (signal) => runBeside(run, signal) };
}

function runNow({ command, args, input, timeoutMs }: Run): CommandResult {
  const { error, status, signal, stdout, stderr } = spawnSync(command, args, {
    input,
    timeout: timeoutMs,
    killSignal,
    encoding: 'latin1',
  });
  const isLate = errnoOf(error) === 'ETIMEDOUT';
  const why = whyOf({ status, signal, isLate, error }, timeoutMs);
  const isMissing = errnoOf(error) === 'ENOENT';
  return { why, said: stderr ?? '', printed: stdout ?? '', isMissing };
}

function runBeside(
  { command, args, input, timeoutMs }: Run,
  abort: AbortSignal,
): Promise<CommandResult> {
  const options = { timeout: timeoutMs, killSignal, signal: abort, encoding: 'latin1' } as const;
  return new Promise((resolve) => {
    const child = execFile(command, args, options, (error, printed, said) => {
      const status = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
      const signal = error?.signal ?? null;
      const isLate = error?.killed === true && signal === killSignal;
      const why = whyOf({ status, signal, isLate, error }, timeoutMs);
      resolve({ why, said, printed, isMissing: errnoOf(error) === 'ENOENT' });
    });
    // A program that does not read its input tells why by how it ends.
    child.stdin?.on('error', () => {}).end(input);
  });
}

type Facts = {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly isLate: boolean;
  readonly error: unknown;
};

function whyOf({ status, signal, isLate, error }: Facts, timeoutMs: number): string | undefined {
  if (isLate) return `no end after ${timeoutMs / 1000} seconds`;
  if (status === 0) return undefined;
  if (status !== null) return `exit ${status}`;
  return signal ? `killed by ${signal}` : reasonOf(error);
}
