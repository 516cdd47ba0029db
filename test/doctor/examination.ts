/** Sites with something wrong, and what `ipthrottle doctor` finds there when run by an operator. */
import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import type { Diagnosis } from '../../src/doctor/checks/checks.ts';
import type { Step } from '../../src/doctor/probe/probe.ts';
import { preventGc } from '../../src/store/prevent-gc.ts';
import { missing } from '../run/unless.ts';
import { rawDatabase } from '../store/raw-database.ts';
import { ask } from '../system/line-client.ts';
import { programsForNobody } from '../system/nobody.ts';
import type { RunningProgram } from '../system/running-program.ts';
import { type Plan, Site } from '../system/site.ts';

export const launcher = fileURLToPath(new URL('../../bin/ipthrottle', import.meta.url));
export const bundle = fileURLToPath(new URL('../../dist/ipthrottle.js', import.meta.url));

export type Examination = {
  readonly exit: number;
  readonly well: boolean;
  readonly findings: readonly Diagnosis[];
  readonly probe: readonly Step[] | null;
  readonly proven: readonly string[];
  readonly notLookedAt: readonly string[];
};

export type How = {
  readonly searchPath?: string;
  readonly program?: string;
  /** User and group to ask as. */
  readonly user?: number;
  readonly args?: readonly string[];
};

export function examine(site: Site, how: How = {}): Promise<Examination> {
  const { searchPath = process.env.PATH ?? '', user, args = [] } = how;
  const own = user === undefined ? launcher : join(programsForNobody, 'ipthrottle');
  const program = how.program ?? own;
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

/** A site that is removed with the test. */
export function newSite(plan?: Plan): Site {
  const site = new Site(plan);
  onTestFinished(() => site.stop());
  return site;
}

/** Puts a file into the peers directory. */
export function put(site: Site, name: string, mode: number, text = ''): void {
  const path = site.path('peers', name);
  writeFileSync(path, text);
  chmodSync(path, mode);
}

/** Starts rater, at which somebody then asks: whether any but its user could is another question. */
export async function startAsked(site: Site): Promise<RunningProgram> {
  const rater = await site.startRater();
  await ask({ path: site.path('rater.sock') }, ['ip 127.0.0.1\n']);
  return rater;
}

export async function block(site: Site, ...args: string[]): Promise<void> {
  expect(await site.ipthrottle('block', ...args)).toMatchObject({ exit: 0 });
}

/** Compiles the cdb of tcpserver. */
export function tcprules(site: Site, source: string): void {
  execFileSync('tcprules', [site.path('rules.cdb'), site.path('rules.tmp')], { input: source });
}

export function changeRow(site: Site, sql: string, ...values: number[]): void {
  const database = rawDatabase(site.path('blocks.db'));
  preventGc(database.prepare(sql)).run(...values);
  database.close();
}

/** One thing that is wrong, and the one finding it makes. */
export type Case = {
  readonly what: string;
  readonly plan?: Plan;
  /** The whole configuration, in place of one by the plan. */
  readonly text?: string;
  /** With rater running. */
  readonly before?: (site: Site) => void | Promise<void>;
  /** With rater dead, so that nobody repairs it. */
  readonly dead?: (site: Site) => void | Promise<void>;
  readonly how?: () => How;
  readonly finds: string;
  readonly says: RegExp;
  readonly skip?: string | undefined;
};

const noServers = missing('tcprules', 'ipsvd-cdb', 'tcpsvd', 'tcpserver');

/** Defines a test for each case. */
export function findsEach(cases: readonly Case[]): void {
  test.for(cases)('it finds $what, and nothing else', async (each, { skip }) => {
    const reason = each.skip ?? noServers;
    skip(reason !== undefined, reason);
    const site = newSite(each.plan);
    if (each.text !== undefined) site.configure(each.text);
    const rater = await startAsked(site);
    await each.before?.(site);
    if (each.dead) {
      await rater.killedBy('SIGKILL');
      await each.dead(site);
    }
    const { exit, well, findings } = await examine(site, each.how?.());
    const found = findings.filter(({ check, what }) => {
      return !(each.dead && check === 'daemon' && what.startsWith('rater is not running'));
    });
    expect(kinds(found), JSON.stringify(found, undefined, 1)).toEqual([each.finds]);
    expect(`${found[0]?.what}; ${found[0]?.remedy}`).toMatch(each.says);
    expect(found[0]?.remedy).not.toBe('');
    const isWell = !each.dead && each.finds.startsWith('hint');
    expect({ exit, well }).toEqual({ exit: isWell ? 0 : 1, well: isWell });
  });
}
