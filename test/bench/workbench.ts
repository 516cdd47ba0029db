/**
 * What rows measure with: a directory of their own, programs that end with the row, and sizes.
 *
 * Guarantee: after `clear` it leaves no process and no file of a row; an abandoned row that still
 * goes on gets nothing new.
 */
import { type ChildProcess, execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { RunningProgram } from '../system/running-program.ts';

/** The project's directory, and where run.sh has put the compiled C programs. */
export type Places = { readonly root: string; readonly built: string };

/** All that measured programs get: no setting of this machine may slow their start. */
const environment = { PATH: ['/usr/sbin', '/sbin', process.env.PATH].join(delimiter) };

export class Workbench {
  readonly places: Places;
  readonly isQuick: boolean;
  /** Node as the sample run scripts start rater with it. */
  readonly likeRater = [
    ...['env', 'NODE_OPTIONS=--max-semi-space-size=1 --v8-pool-size=1'],
    process.execPath,
  ];
  readonly #directories: string[] = [];
  readonly #running: RunningProgram[] = [];
  readonly #commands = new Set<ChildProcess>();
  #isCleared = false;

  constructor(places: Places, isQuick: boolean) {
    this.places = places;
    this.isQuick = isQuick;
  }

  /** `full` in a full run, `quick` in a quick one. */
  size(full: number, quick: number): number {
    return this.isQuick ? quick : full;
  }

  get rounds(): number {
    return this.size(5, 3);
  }

  newDirectory(): string {
    this.#mustBeInUse();
    const directory = mkdtempSync(join(tmpdir(), 'ipthrottle-bench-'));
    this.#directories.push(directory);
    return directory;
  }

  newDirectories(...names: string[]): string[] {
    const directory = this.newDirectory();
    return names.map((name) => {
      mkdirSync(join(directory, name));
      return join(directory, name);
    });
  }

  /** One of the C programs of the bench. */
  program(name: 'load' | 'line-server' | 'exec-only' | 'files'): string {
    return join(this.places.built, name);
  }

  /** A program in bin/. */
  ours(name: 'rater' | 'ipthrottle' | 'ratecheck'): string {
    return join(this.places.root, 'bin', name);
  }

  start(directory: string, command: readonly string[]): RunningProgram {
    this.#mustBeInUse();
    const program = new RunningProgram({ directory, command });
    this.#running.push(program);
    return program;
  }

  /** Runs a command to its end and returns its stdout. */
  run(command: readonly string[], directory?: string): Promise<string> {
    const [program = '', ...args] = command;
    const options = { env: environment, maxBuffer: 1 << 28, cwd: directory };
    this.#mustBeInUse();
    return new Promise((resolve, reject) => {
      const child = execFile(program, args, options, (error, stdout, stderr) => {
        this.#commands.delete(child);
        if (error) reject(new Error(`${command.join(' ')}: ${stderr || error.message}`));
        else resolve(stdout);
      });
      this.#commands.add(child);
    });
  }

  /** Ends every process that was started and removes every directory that was made. */
  async clear(): Promise<void> {
    this.#isCleared = true;
    for (const command of this.#commands) command.kill('SIGKILL');
    for (const program of this.#running.splice(0).reverse()) await program.end();
    for (const directory of this.#directories.splice(0)) {
      rmSync(directory, { recursive: true, force: true });
    }
  }

  #mustBeInUse(): void {
    if (this.#isCleared) throw new Error('the row is over');
  }
}
