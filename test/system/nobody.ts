/** The user nobody, whom root can become for a test, and our programs where nobody can run them. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { notRoot } from '../run/unless.ts';
import { copyPrograms, root } from './copy-programs.ts';

export const nobody = 65534;

/** Whether nobody passes the test of test(1). */
function may(test: '-r' | '-x', path: string): boolean {
  return spawnSync('test', [test, path], { uid: nobody, gid: nobody }).status === 0;
}

/** Why no program can run as nobody here, or undefined. */
export const cannotBecomeNobody =
  notRoot ?? (may('-x', process.execPath) ? undefined : `nobody may not run ${process.execPath}`);

/** The directory of our programs, or of a copy where the project is closed to nobody. */
export const programsForNobody =
  cannotBecomeNobody || may('-r', join(root, 'dist/rater.js')) ? join(root, 'bin') : copied();

/** For the tests of one file. */
function copied(): string {
  const directory = mkdtempSync(join(tmpdir(), 'ipthrottle-programs-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  copyPrograms(directory);
  spawnSync('chmod', ['-R', 'go+rX', directory]);
  return join(directory, 'bin');
}
