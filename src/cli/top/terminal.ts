/**
 * The operator's terminal while the view is on it: keys come one by one, and the screen is another one
 * than the shell's.
 *
 * Guarantee: it is as it was before, whatever ends the program, but SIGKILL; also while the program is
 * stopped.
 */
import { emitKeypressEvents, type Key } from 'node:readline';
import { leaveWith } from '../../runtime/program.ts';
import { changedCells } from './changed-cells.ts';
import type { Line } from './lines.ts';
import type { Size } from './screen.ts';

const otherScreen = '\x1b[?1049h\x1b[?25l';
const ownScreen = '\x1b[0m\x1b[?25h\x1b[?1049l';
const cleared = '\x1b[0m\x1b[2J';
const deadly = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
/** Of a terminal that does not know its own. */
const usualSize: Size = { columns: 80, rows: 24 };

export type TerminalEvents = {
  /** A character, or the name of another key, with `^` for Ctrl. */
  readonly onKey: (key: string) => void;
  /** All is to be drawn anew. */
  readonly onRedraw: () => void;
};

function keyName(text: string | undefined, { name = '', ctrl = false }: Key): string {
  if (ctrl) return `^${name}`;
  const isCharacter = text !== undefined && [...text].length === 1 && !/\p{Cc}/u.test(text);
  return isCharacter ? text : name === 'enter' ? 'return' : name;
}

export class Terminal {
  readonly #hasColor: boolean;
  readonly #events: TerminalEvents;
  #shown: readonly Line[] = [];
  #isOurs = false;

  constructor(hasColor: boolean, events: TerminalEvents) {
    this.#hasColor = hasColor;
    this.#events = events;
  }

  get size(): Size {
    const { columns, rows } = process.stdout;
    return columns > 0 && rows > 0 ? { columns, rows } : usualSize;
  }

  /** Takes the terminal, and gives it back when the program ends. */
  open(): void {
    process.on('exit', () => this.close());
    process.on('uncaughtException', (error) => {
      this.close();
      process.exit(leaveWith('ipthrottle', error));
    });
    for (const signal of deadly) process.once(signal, () => this.#dieOf(signal));
    process.on('SIGTSTP', () => this.stop());
    // Whoever stopped it by force left the terminal as it liked.
    process.on('SIGCONT', () => this.#retake());
    process.stdout.on('resize', () => this.#events.onRedraw());
    this.#take();
    if (!process.stdin.isTTY) return;
    emitKeypressEvents(process.stdin);
    process.stdin.on('keypress', (text: string | undefined, key: Key) => {
      this.#events.onKey(keyName(text, key));
    });
    // A terminal that has hung up.
    process.stdin.on('end', () => process.exit());
    process.stdin.on('error', () => process.exit());
  }

  close(): void {
    if (!this.#isOurs) return;
    this.#isOurs = false;
    this.#setRaw(false);
    process.stdin.pause();
    process.stdout.write(ownScreen);
  }

  /** As Ctrl-Z does in programs that leave that key to the terminal: with all of its job. */
  stop(): void {
    this.close();
    const listeners = process.listeners('SIGTSTP');
    process.removeAllListeners('SIGTSTP');
    process.kill(0, 'SIGTSTP');
    // It goes on here, when it is continued or nobody could continue it.
    for (const listener of listeners) process.on('SIGTSTP', listener);
    this.#retake();
  }

  /** Has it show these lines. */
  show(lines: readonly Line[]): void {
    const isOtherSize =
      this.#shown.length !== lines.length || this.#shown[0]?.text.length !== lines[0]?.text.length;
    const start = isOtherSize ? cleared : '';
    const changes = changedCells(isOtherSize ? [] : this.#shown, lines, this.#hasColor);
    if (start !== '' || changes !== '') process.stdout.write(start + changes);
    this.#shown = lines;
  }

  /** Has the next lines drawn whole. */
  forget(): void {
    this.#shown = [];
  }

  /** By OSC 52, which also works through ssh, where the terminal allows it. */
  copy(text: string): void {
    process.stdout.write(`\x1b]52;c;${Buffer.from(text).toString('base64')}\x07`);
  }

  #retake(): void {
    // The terminal may be another one's meanwhile, and libuv believes that it is still raw.
    this.#setRaw(false);
    this.#take();
    this.#events.onRedraw();
  }

  #take(): void {
    this.#isOurs = true;
    this.#setRaw(true);
    process.stdin.resume();
    process.stdout.write(otherScreen);
    this.forget();
  }

  #setRaw(isRaw: boolean): void {
    try {
      if (process.stdin.isTTY) process.stdin.setRawMode(isRaw);
    } catch {
      // It has hung up.
    }
  }

  /** As if the signal had not been caught. */
  #dieOf(signal: NodeJS.Signals): void {
    this.close();
    process.kill(process.pid, signal);
  }
}
