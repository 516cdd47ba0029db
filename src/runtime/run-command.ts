/**
 * Runs a program that reads its input from stdin and says on stderr what is wrong.
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

/** `why` it failed: `exit 100`, `killed by SIGKILL`; undefined after success. */
export type CommandResult = { readonly why: string | undefined; readonly said: string };

const killSignal = 'SIGKILL';

export function running(run: Run): Slow<CommandResult> {
  return { now: () => runNow(run), later: (signal) => runBeside(run, signal) };
}

function runNow({ command, args, input, timeoutMs }: Run): CommandResult {
  const { error, status, signal, stderr } = spawnSync(command, args, {
    input,
    stdio: ['pipe', 'ignore', 'pipe'],
    timeout: timeoutMs,
    killSignal,
    encoding: 'latin1',
  });
  const isLate = errnoOf(error) === 'ETIMEDOUT';
  return { why: whyOf({ status, signal, isLate, error }, timeoutMs), said: stderr ?? '' };
}

function runBeside(
  { command, args, input, timeoutMs }: Run,
  abort: AbortSignal,
): Promise<CommandResult> {
  const options = { timeout: timeoutMs, killSignal, signal: abort, encoding: 'latin1' } as const;
  return new Promise((resolve) => {
    const child = execFile(command, args, options, (error, _stdout, said) => {
      const status = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
      const signal = error?.signal ?? null;
      const isLate = error?.killed === true && signal === killSignal;
      resolve({ why: whyOf({ status, signal, isLate, error }, timeoutMs), said });
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
