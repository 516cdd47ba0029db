/**
 * What rater and ipthrottle share as programs: the version, and how trouble leaves them.
 */
import { exitCodes, Fault, faults } from './errors.ts';
import { printable } from './log.ts';

declare const IPTHROTTLE_VERSION: string;

/** The package's version, put in by the build. */
export const version = IPTHROTTLE_VERSION;

/** How Commander tells of wrong usage: in one line, as a `usage` Fault would. */
export function usageLine(program: string) {
  return (text: string, write: (text: string) => void): void => {
    const said = text
      .replace(/^error: /, '')
      .trim()
      .replaceAll('\n', ' ');
    write(`${program}: error: ${faults.usage.sentence}: ${printable(said)}\n`);
  };
}

/** The exit code for `error`, after one line (or our own bug's stack) on stderr. */
export function leaveWith(program: string, error: unknown): number {
  if (error instanceof Fault) {
    // Mistakes in a configuration are a line each.
    const message = error.message.split('\n').map(printable).join('\n');
    process.stderr.write(`${program}: error: ${message}\n`);
    return error.exit;
  }
  const stack = error instanceof Error ? error.stack : String(error);
  process.stderr.write(`${program}: bug: ${stack}\n`);
  return exitCodes.bug.code;
}
