/**
 * rater that dies by SIGKILL at a chosen step of its work; fixtures/kill-at.c says what a step is.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import { RunningProgram } from './running-program.ts';
import type { Site } from './site.ts';

/** Right before the step, or within it: when a write is half done, anything else just done. */
export type Instant = 'before' | 'within';

/** Compiles fixtures/kill-at.c for the tests of one file; its path. */
export function compileKillAt(): string {
  const directory = mkdtempSync(join(tmpdir(), 'kill-at-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const library = join(directory, 'kill-at.so');
  const source = fileURLToPath(new URL('fixtures/kill-at.c', import.meta.url));
  const strict = ['-Wall', '-Wextra', '-Werror', '-O1', '-pthread'];
  execFileSync('cc', [...strict, '-shared', '-fPIC', '-o', library, source, '-ldl']);
  return library;
}

export class DoomedRater {
  readonly program: RunningProgram;
  readonly #order: string;

  /** Starts it and does not wait. Without `death` nothing happens to it before `dieAt`. */
  constructor(site: Site, library: string, death?: { step: number; instant: Instant }) {
    this.#order = site.path('kill-at');
    for (const path of [this.#order, this.#stepsPath]) rmSync(path, { force: true });
    if (death) this.dieAt(death.step, death.instant);
    const preload = ['env', `LD_PRELOAD=${library}`, `KILL_AT=${this.#order}`];
    const rater = fileURLToPath(new URL('../../bin/rater', import.meta.url));
    this.program = new RunningProgram({
      command: [...preload, process.execPath, rater, '-c', 'rater.conf'],
      directory: site.directory,
    });
  }

  /** From now on it counts its steps, the first being 1. */
  dieAt(step: number, instant: Instant): void {
    writeFileSync(`${this.#order}.new`, `${step} ${instant}\n`);
    renameSync(`${this.#order}.new`, this.#order);
  }

  /** The steps that it has reached, `CALL WHAT`. */
  get steps(): string[] {
    if (!existsSync(this.#stepsPath)) return [];
    const lines = readFileSync(this.#stepsPath, 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => line.replace(/^\d+ /, ''));
  }

  get #stepsPath(): string {
    return `${this.#order}.steps`;
  }
}

/** Starts one and waits until all blocks are in force. */
export async function startedRater(site: Site, library: string): Promise<DoomedRater> {
  const rater = new DoomedRater(site, library);
  try {
    await rater.program.says(/^rater: info: all in force:/m);
    return rater;
  } catch (error) {
    await rater.program.end();
    throw error;
  }
}

/** The first pattern without a match in this order; undefined when all match. */
export function missingStep(
  patterns: readonly RegExp[],
  steps: readonly string[],
): RegExp | undefined {
  let from = 0;
  return patterns.find((pattern) => {
    const found = steps.findIndex((step, index) => index >= from && pattern.test(step));
    from = found + 1;
    return found < 0;
  });
}
