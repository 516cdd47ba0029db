/** A program in a real terminal, in which a test types and sees what is shown. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { until } from './running-program.ts';

const runner = fileURLToPath(new URL('fixtures/terminal.py', import.meta.url));

export type TerminalPlan = {
  readonly command: readonly string[];
  readonly columns?: number;
  readonly rows?: number;
  readonly directory?: string;
  /** Beside PATH and TERM. */
  readonly environment?: Readonly<Record<string, string>>;
};

export class Terminal {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #said = '';

  /** It ends with the test. */
  constructor({ command, columns = 80, rows = 24, directory, environment }: TerminalPlan) {
    const args = [runner, String(columns), String(rows), ...command];
    const env = { PATH: process.env.PATH ?? '', TERM: 'xterm', LC_ALL: 'C.UTF-8', ...environment };
    this.#child = spawn('python3', args, { cwd: directory, env, detached: true });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text;
    });
    this.#child.stdin?.on('error', () => {});
    this.#ended = once(this.#child, 'close');
    onTestFinished(() => void this.#child.kill('SIGKILL'));
  }

  /** All that was shown, with the escapes that move and colour it; lines end in LF. */
  get said(): string {
    return this.#said.replaceAll('\r\n', '\n');
  }

  type(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Waits until it has shown the pattern. */
  shows(pattern: RegExp): Promise<void> {
    const missed = () => `${pattern} in a terminal that shows ${JSON.stringify(this.said)}`;
    return until(missed, () => pattern.test(this.said));
  }

  /** Waits for the end; the exit code. */
  async ends(): Promise<number | null> {
    await this.#ended;
    return this.#child.exitCode;
  }
}
