/**
 * What rater and ipthrottle share as programs: the version, and how trouble leaves them.
 */
import { exitCodes, Fault, faults } from './errors.ts';
import { printable } from './log.ts';

declare const IPTHROTTLE_VERSION: string;

/** The package's version, put in by the build. */
export const version = IPTHROTTLE_VERSION;

/** Has Commander report wrong usage in one line, like a `usage` Fault. */
export function usageLine(program: string) {
  return (text: string, write: (text: string) => void): void => {
    const said = text
      .replace(/^error: /, '')
      .trim()
      .replaceAll('\n', ' ');
    write(`${program}: error: ${faults.usage.sentence}: ${printable(said)}\n`);
  };
}

/** Prints `error` on stderr, in one line or as a bug with its stack, and returns the exit code. */
export function leaveWith(program: string, error: unknown): number {
  if (error instanceof Fault) {
    // Each mistake in a configuration has its own line.
    const message = error.message.split('\n').map(printable).join('\n');
    process.stderr.write(`${program}: error: ${message}\n`);
    return error.exit;
  }
  const stack = error instanceof Error ? error.stack : String(error);
  process.stderr.write(`${program}: bug: ${stack}\n`);
  return exitCodes.bug.code;
}
