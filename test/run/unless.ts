/**
 * For tests that not every machine can run: `test(title, unless(reason), body)` skips the test, or a
 * whole `describe`, when there is a reason. The run ends with each reason and how many tests it cost.
 */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { TestOptions } from 'vitest';

declare module 'vitest' {
  interface TaskMeta {
    skippedFor?: string;
  }
}

export function unless(reason: string | undefined): TestOptions {
  return reason === undefined ? {} : { skip: true, meta: { skippedFor: reason } };
}

export const notRoot = process.getuid?.() === 0 ? undefined : 'not root';

/** Which of these programs are not installed, as a reason. */
export function missing(...programs: string[]): string | undefined {
  const absent = programs.filter((program) => !isInstalled(program));
  return absent.length === 0 ? undefined : `not installed: ${absent.join(', ')}`;
}

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
