/** What `ipthrottle doctor` finds at a site, asked as an operator would. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Diagnosis } from '../../src/doctor/checks/checks.ts';
import type { Step } from '../../src/doctor/probe/probe.ts';
import type { Site } from '../system/site.ts';

export const launcher = fileURLToPath(new URL('../../bin/ipthrottle', import.meta.url));
export const bundle = fileURLToPath(new URL('../../dist/ipthrottle.js', import.meta.url));

export type Examination = {
  readonly exit: number;
  readonly well: boolean;
  readonly findings: readonly Diagnosis[];
  readonly probe: readonly Step[] | null;
};

export type How = {
  readonly searchPath?: string;
  readonly program?: string;
  /** User and group to ask as. */
  readonly user?: number;
  readonly args?: readonly string[];
};

export function examine(site: Site, how: How = {}): Promise<Examination> {
  const { searchPath = process.env.PATH ?? '', program = launcher, user, args = [] } = how;
  const words = [program, '-c', site.path('rater.conf'), 'doctor', '--json', ...args];
  const as = user === undefined ? {} : { uid: user, gid: user };
  return new Promise((resolve, reject) => {
    const options = { env: { PATH: searchPath }, cwd: '/', ...as };
    const child = execFile(process.execPath, words, options, (_error, stdout, stderr) => {
      try {
        resolve({ exit: child.exitCode ?? -1, ...JSON.parse(stdout) });
      } catch (error) {
        reject(new Error(`it says ${JSON.stringify(stdout + stderr)}`, { cause: error }));
      }
    });
  });
}

/** `problem daemon`, one for each finding. */
export function kinds(findings: readonly Diagnosis[]): string[] {
  return findings.map(({ level, check }) => `${level} ${check}`);
}
