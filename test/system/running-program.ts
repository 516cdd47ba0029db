/**
 * A real program that a test started, in a process group of its own, and what it has said so far.
 *
 * Guarantee: after `end` nothing of its group is left, its children included.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** How long a test waits for something that must happen, even on a loaded machine. */
const patienceMs = 60_000;
const lookAgainMs = 5;
const lastWordsMs = 1000;

/** Resolves when `holds` answers true; fails with what was waited for. */
export async function until(
  what: string | (() => string),
  holds: () => boolean | Promise<boolean>,
  forMs = patienceMs,
): Promise<void> {
  const lastMs = performance.now() + forMs;
  for (;;) {
    const startMs = performance.now();
    if (await holds()) return;
    const nowMs = performance.now();
    if (nowMs > lastMs) {
      const missed = typeof what === 'string' ? what : what();
      throw new Error(`waited ${forMs} ms in vain: ${missed}`);
    }
    // A condition that starts a program must leave others their share of the machine.
    await sleep(Math.max(lookAgainMs, nowMs - startMs));
  }
}

export type Start = {
  readonly command: readonly string[];
  readonly directory: string;
  /** User and group to run as; the test's own when undefined. */
  readonly user?: number | undefined;
  readonly umask?: string | undefined;
  /** Beside PATH. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
};

/** That of the test run, if it has one. */
const { IPTHROTTLE_TRANSPORT } = process.env;
const transport = IPTHROTTLE_TRANSPORT === undefined ? {} : { IPTHROTTLE_TRANSPORT };

export class RunningProgram {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #said = '';
  /** Its process group is empty, and its number may already be in use again. */
  #isGone = false;

  constructor({ command, directory, user, umask, environment }: Start) {
    this.#name = command.join(' ');
    const shell = ['sh', '-c', `umask ${umask}; exec "$@"`, 'sh'];
    const [program = '', ...args] = umask === undefined ? command : [...shell, ...command];
    this.#child = spawn(program, args, {
      cwd: directory,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH ?? '', ...transport, ...environment },
      ...(user === undefined ? {} : { uid: user, gid: user }),
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('latin1').on('data', (text: string) => {
        this.#said += text;
      });
    }
    this.#child.once('exit', () => this.#watchGroup());
    this.#ended = new Promise((resolve) => {
      this.#child.once('close', () => resolve());
      this.#child.once('error', (error) => {
        this.#said += String(error);
        resolve();
      });
    });
  }

  /** All of stdout and stderr up to now. */
  get said(): string {
    return this.#said;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The exit code, or null when it runs or died of a signal. */
  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && this.pid > 0;
  }

  /** Waits until it has said `pattern`; fails at once when it ends without. */
  async says(pattern: RegExp): Promise<void> {
    const missed = () => `${this.#name}: ${pattern}, it said:\n${this.#said}`;
    await until(missed, async () => {
      if (pattern.test(this.#said)) return true;
      if (this.isRunning) return false;
      // Its last words may be on their way; a child of its own may keep the pipe open.
      await Promise.race([this.#ended, sleep(lastWordsMs)]);
      if (pattern.test(this.#said)) return true;
      throw new Error(`ended: ${missed()}`);
    });
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Sends it a signal and waits for its end. */
  async killedBy(name: NodeJS.Signals): Promise<void> {
    this.signal(name);
    await this.#ended;
  }

  /** Waits until it ends by itself; its exit code. */
  async ends(): Promise<number | null> {
    await until(`the end of ${this.#name}`, () => !this.isRunning);
    await this.#ended;
    return this.exitCode;
  }

  /** Ends whatever is left of its process group. */
  async end(): Promise<void> {
    if (this.pid > 0) {
      for (const name of ['SIGTERM', 'SIGCONT'] as const) this.#signalGroup(name);
      const patient = until(`the end of ${this.#name}`, () => !this.#signalGroup(0), 3000);
      await patient.catch(() => this.#signalGroup('SIGKILL'));
      await until(`the death of ${this.#name}`, () => !this.#signalGroup(0));
    }
    await this.#ended;
  }

  #watchGroup(): void {
    if (this.#signalGroup(0)) setTimeout(() => this.#watchGroup(), lookAgainMs).unref();
    else this.#isGone = true;
  }

  /** Returns whether there is one. */
  #signalGroup(name: NodeJS.Signals | 0): boolean {
    if (this.#isGone) return false;
    try {
      process.kill(-this.pid, name);
      return true;
    } catch {
      return false;
    }
  }
}
