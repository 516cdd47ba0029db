/** A program on a real terminal, and what a person sees there. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import xterm from '@xterm/headless';
import { onTestFinished } from 'vitest';
import { until } from '../../system/running-program.ts';

const program = fileURLToPath(new URL('on-a-terminal.py', import.meta.url));

export type Ending = {
  /** The exit code, or the number of its signal below zero. */
  readonly exit: number;
  /** Whether the terminal's settings are those of before; undefined when it has hung up. */
  readonly isRestored?: boolean;
};

type Said = { readonly pid?: number; readonly out?: string } & Partial<Ending>;

export class TerminalRun {
  readonly #screen: InstanceType<typeof xterm.Terminal>;
  readonly #child: ChildProcess;
  #rest = '';
  #written = '';
  #parsed = 0;
  pid = 0;
  ending: Ending | undefined;

  constructor(
    command: readonly string[],
    { rows = 24, columns = 80, environment = {} as Record<string, string> } = {},
  ) {
    this.#screen = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
    const size = [String(rows), String(columns)];
    this.#child = spawn('python3', ['-u', program, ...size, ...command], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: {
        PATH: process.env.PATH ?? '',
        LANG: 'C.UTF-8',
        TERM: 'xterm-256color',
        ...environment,
      },
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#hear(text));
    onTestFinished(() => void this.#child.stdin?.end());
  }

  /** Everything that was written to the terminal. */
  get written(): string {
    return this.#written;
  }

  get isOnOtherScreen(): boolean {
    return this.#screen.buffer.active.type === 'alternate';
  }

  /** Whether the cursor was shown last. */
  get hasCursor(): boolean {
    return this.#written.lastIndexOf('\x1b[?25h') >= this.#written.lastIndexOf('\x1b[?25l');
  }

  press(keys: string): void {
    this.#order({ keys });
  }

  resize(rows: number, columns: number): void {
    this.#screen.resize(columns, rows);
    this.#order({ size: [rows, columns] });
  }

  signal(signal: string): void {
    this.#order({ signal });
  }

  hangUp(): void {
    this.#order({ hangup: true });
  }

  /** The lines as they are seen, without blanks at their ends. */
  get lines(): string[] {
    const { active } = this.#screen.buffer;
    return Array.from({ length: this.#screen.rows }, (_, row) => {
      return (
        active
          .getLine(active.viewportY + row)
          ?.translateToString()
          .trimEnd() ?? ''
      );
    });
  }

  get text(): string {
    return this.lines.join('\n');
  }

  /** The lines that are drawn inversely. */
  get inverse(): string[] {
    const { active } = this.#screen.buffer;
    return this.lines.filter((_, row) => {
      return active
        .getLine(active.viewportY + row)
        ?.getCell(0)
        ?.isInverse();
    });
  }

  /** Whether any cell has a colour. */
  get hasColor(): boolean {
    const { active } = this.#screen.buffer;
    return this.lines.some((line, row) => {
      return Array.from(line).some((_, column) => {
        const cell = active.getLine(active.viewportY + row)?.getCell(column);
        return cell !== undefined && !cell.isFgDefault();
      });
    });
  }

  async shows(pattern: RegExp): Promise<void> {
    await until(
      () => `${pattern}, it shows:\n${this.text}`,
      () => this.#parsed === this.#written.length && pattern.test(this.text),
    );
  }

  async ends(): Promise<Ending> {
    await until(
      () => `the end, it shows:\n${this.text}`,
      () => this.ending !== undefined && this.#parsed === this.#written.length,
    );
    return this.ending as Ending;
  }

  #order(order: object): void {
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
  }

  #hear(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const { pid, out, exit, isRestored } = JSON.parse(line) as Said;
      if (pid !== undefined) this.pid = pid;
      if (out !== undefined) this.#show(Buffer.from(out, 'base64'));
      if (exit !== undefined)
        this.ending = { exit, ...(isRestored === undefined ? {} : { isRestored }) };
    }
  }

  #show(bytes: Buffer): void {
    const text = bytes.toString('latin1');
    this.#written += text;
    this.#screen.write(bytes, () => {
      this.#parsed += text.length;
    });
  }
}
